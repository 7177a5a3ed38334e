//! Checks the length of functions, from the `fn` line to the closing brace.

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, Signature, TraitItemFn};

use super::Problem;

const FUNCTION_LINES_MAX: usize = 70;

pub(super) fn check(path: &str, file: &syn::File) -> Vec<Problem> {
    let mut lengths = Lengths {
        path,
        problems: Vec::new(),
    };
    lengths.visit_file(file);
    lengths.problems
}

struct Lengths<'a> {
    path: &'a str,
    problems: Vec<Problem>,
}

impl Lengths<'_> {
    fn measure(&mut self, signature: &Signature, block: &Block) {
        let first = start_line(signature.fn_token.span);
        let lines = block.brace_token.span.close().end().line + 1 - first;
        if lines > FUNCTION_LINES_MAX {
            let name = &signature.ident;
            let what = format!("fn {name} has {lines} lines, more than {FUNCTION_LINES_MAX}");
            self.problems.push(Problem::new(self.path, first, what));
        }
    }
}

fn start_line(span: Span) -> usize {
    span.start().line
}

impl<'ast> Visit<'ast> for Lengths<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, String)> {
        let file = syn::parse_file(text).unwrap();
        check("a.rs", &file)
            .into_iter()
            .map(|p| (p.line, p.what))
            .collect()
    }

    #[test]
    fn the_longest_function_allowed_passes_and_one_more_line_does_not() {
        let function = |statements: usize| {
            "/// Doc.\n#[test]\nfn long() {\n".to_owned() + &"    x();\n".repeat(statements) + "}\n"
        };
        assert_eq!(found(&function(68)), []);
        assert_eq!(
            found(&function(69)),
            [(3, "fn long has 71 lines, more than 70".into())]
        );
    }

    #[test]
    fn methods_defaults_and_nested_functions_are_measured() {
        let body = "{\n".to_owned() + &"x();\n".repeat(80) + "}";
        for outer in [
            "impl A {",
            "trait A {",
            "mod a {",
            "fn a() {",
            "const A: () = {",
        ] {
            let text = format!(
                "{outer} fn inner() {body} {}",
                if outer.ends_with("= {") { "};" } else { "}" }
            );
            let problems = found(&text);
            assert!(
                problems.iter().any(|(_, what)| what.contains("fn inner")),
                "{outer}"
            );
        }
    }
}
