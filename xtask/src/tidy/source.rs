//! What paths a source file mentions: `use` trees written out, and every `a::b` elsewhere, macros'
//! arguments included. Comments and strings mention nothing.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{ItemUse, UseTree};

/// A path as written, one string per segment, and its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
}

/// Every path of two or more segments, and whatever is brought in by `use`. A lone name outside a
/// `use` is no mention: it may be a variable.
pub(super) fn mentions(file: &syn::File, text: &str) -> Vec<Mention> {
    let mut uses = Uses(Vec::new());
    uses.visit_file(file);
    if let Ok(tokens) = text.parse() {
        scan(tokens, &mut uses.0);
    }
    uses.0
}

struct Uses(Vec<Mention>);

impl<'ast> Visit<'ast> for Uses {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        write_out(
            &item.tree,
            &mut Vec::new(),
            item.use_token.span.start().line,
            &mut self.0,
        );
        visit::visit_item_use(self, item);
    }
}

fn write_out(tree: &UseTree, prefix: &mut Vec<String>, line: usize, found: &mut Vec<Mention>) {
    let depth = prefix.len();
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            write_out(&path.tree, prefix, line, found);
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                write_out(tree, prefix, line, found);
            }
        }
        UseTree::Name(name) => {
            prefix.push(name.ident.to_string());
            found.push(Mention {
                segments: prefix.clone(),
                line,
            });
        }
        UseTree::Rename(rename) => {
            prefix.push(rename.ident.to_string());
            found.push(Mention {
                segments: prefix.clone(),
                line,
            });
        }
        _ => found.push(Mention {
            segments: prefix.clone(),
            line,
        }),
    }
    prefix.truncate(depth);
}

/// Collects runs of `ident :: ident :: ...`, and looks into every pair of brackets.
fn scan(tokens: TokenStream, found: &mut Vec<Mention>) {
    let mut run = Run::default();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                if run.colons != 2 {
                    run.end(found);
                    run.line = ident.span().start().line;
                }
                run.colons = 0;
                run.segments.push(ident.to_string());
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => run.colons += 1,
            TokenTree::Group(group) => {
                run.end(found);
                scan(group.stream(), found);
            }
            _ => run.end(found),
        }
    }
    run.end(found);
}

#[derive(Default)]
struct Run {
    segments: Vec<String>,
    colons: usize,
    line: usize,
}

impl Run {
    /// `guest::{` and `guest::<` count as well: two colons follow the only segment.
    fn end(&mut self, found: &mut Vec<Mention>) {
        let segments = std::mem::take(&mut self.segments);
        if segments.len() > 1 || (segments.len() == 1 && self.colons == 2) {
            found.push(Mention {
                segments,
                line: self.line,
            });
        }
        self.colons = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let file = syn::parse_file(text).unwrap();
        mentions(&file, text)
            .into_iter()
            .map(|mention| mention.segments.join("::"))
            .collect()
    }

    #[test]
    fn use_trees_are_written_out() {
        let found = found("use std::{fs, net::{self, TcpStream as T}};\nuse crate::guest::*;");
        for path in [
            "std::fs",
            "std::net::self",
            "std::net::TcpStream",
            "crate::guest",
        ] {
            assert!(found.contains(&path.to_owned()), "{path}: {found:?}");
        }
    }

    #[test]
    fn paths_are_found_in_code_and_macros() {
        let text = "fn f() -> a::B { info!(\"{}\", c::d()); let e: f::G<h::I> = 1; x.y(j::<K>()) }";
        let found = found(text);
        for path in ["a::B", "c::d", "f::G", "h::I", "j"] {
            assert!(found.contains(&path.to_owned()), "{path}: {found:?}");
        }
    }

    #[test]
    fn comments_strings_and_variables_are_no_mentions() {
        let text = "/// See guest::Engine.\nfn f(guest: u8) { let x = \"guest::x\"; guest }";
        assert_eq!(found(text), Vec::<String>::new());
    }
}
