//! From a handler's tokens to its expansion: checks that explain themselves, and the glue. Works on
//! `proc_macro2` tokens only.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Item, ItemFn, ReturnType, Safety, Signature};

/// The function followed by its check and, in a WebAssembly build, the component's export.
///
/// # Errors
/// A message at the right place when `item` is no function a host could call.
pub(crate) fn handler(arguments: &TokenStream, item: TokenStream) -> Result<TokenStream, Error> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(
            arguments,
            "#[handler] takes no arguments",
        ));
    }
    let function = parse_function(item)?;
    check_signature(&function.sig)?;
    Ok(expansion(&function))
}

fn parse_function(item: TokenStream) -> Result<ItemFn, Error> {
    match syn::parse2(item)? {
        Item::Fn(function) => Ok(function),
        other => {
            let message = "#[handler] goes on a function: fn handle(request: Request) -> Response";
            Err(Error::new_spanned(other, message))
        }
    }
}

fn check_signature(signature: &Signature) -> Result<(), Error> {
    if let Safety::Unsafe(keyword) = &signature.safety {
        return Err(Error::new_spanned(keyword, "a handler is a safe function"));
    }
    if let Some(abi) = &signature.abi {
        return Err(Error::new_spanned(
            abi,
            "a handler has no extern: the attribute exports it",
        ));
    }
    if !signature.generics.params.is_empty() {
        let message = "a handler has no generic parameters: only the host calls it";
        return Err(Error::new_spanned(&signature.generics, message));
    }
    check_types(signature)
}

fn check_types(signature: &Signature) -> Result<(), Error> {
    let inputs = &signature.inputs;
    if inputs.len() != 1 || matches!(inputs.first(), Some(FnArg::Receiver(_))) {
        let message = "a handler takes one argument: request: Request";
        let span = if inputs.is_empty() {
            signature.ident.span()
        } else {
            inputs.span()
        };
        return Err(Error::new(span, message));
    }
    if matches!(signature.output, ReturnType::Default) {
        let message = "a handler returns a Response, or a Result<Response, E>";
        return Err(Error::new(signature.ident.span(), message));
    }
    Ok(())
}

/// The function as it is, and beside it the export of the world that its type chooses. The calls
/// carry the return type's place, so that is where a wrong type is reported, and only once:
/// natively by the check, in a WebAssembly build by the call itself.
fn expansion(function: &ItemFn) -> TokenStream {
    let name = &function.sig.ident;
    let place = function.sig.output.span();
    let (check, export) = match function.sig.asyncness {
        None => (
            quote_spanned! { place => ::httpd_guest::__private::check_handler(#name) },
            lean_export(&quote_spanned! { place => ::httpd_guest::__private::run(#name, request) }),
        ),
        Some(_) => (
            quote_spanned! { place => ::httpd_guest::__private::check_async_handler(#name) },
            streamed_export(&quote_spanned! { place =>
                ::httpd_guest::__private::run_async(#name, request).await
            }),
        ),
    };
    quote! {
        #function

        #[cfg(not(target_family = "wasm"))]
        const _: () = #check;

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;

            #export
        };
    }
}

/// `httpd:guest/handler`.
fn lean_export(call: &TokenStream) -> TokenStream {
    quote! {
        impl ::httpd_guest::raw::Guest for Component {
            fn handle(request: ::httpd_guest::raw::Request) -> ::httpd_guest::raw::Response {
                #call
            }
        }

        ::httpd_guest::raw::export!(Component with_types_in ::httpd_guest::raw);
    }
}

/// `wasi:http/handler`.
fn streamed_export(call: &TokenStream) -> TokenStream {
    quote! {
        impl ::httpd_guest::wasi::Guest for Component {
            async fn handle(
                request: ::httpd_guest::wasi::Request,
            ) -> ::core::result::Result<
                ::httpd_guest::wasi::Response,
                ::httpd_guest::wasi::ErrorCode,
            > {
                #call
            }
        }

        ::httpd_guest::wasi::export!(Component with_types_in ::httpd_guest::wasi);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message a bad handler gets, or an empty string for a good one.
    fn message(arguments: &str, item: &str) -> String {
        let (arguments, item) = (arguments.parse().unwrap(), item.parse().unwrap());
        handler(&arguments, item)
            .err()
            .map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn a_handler_is_kept_whole_and_exported() {
        let item = "/// Doc.\npub fn answer(r: Request) -> Result<Response, String> { todo(r) }";
        let tokens: TokenStream = item.parse().unwrap();
        let expanded = handler(&TokenStream::new(), tokens.clone())
            .unwrap()
            .to_string();
        assert!(expanded.starts_with(&tokens.to_string()), "{expanded}");
        assert!(expanded.contains("check_handler (answer)"), "{expanded}");
        assert!(expanded.contains("run (answer , request)"), "{expanded}");
    }

    #[test]
    fn the_type_of_the_function_chooses_the_world() {
        let expanded = |item: &str| {
            let tokens = handler(&TokenStream::new(), item.parse().unwrap()).unwrap();
            tokens.to_string()
        };
        let lean = expanded("fn answer(r: Request) -> Response { todo(r) }");
        assert!(lean.contains("raw :: export"), "{lean}");
        assert!(!lean.contains("wasi"), "{lean}");
        let streamed = expanded("async fn answer(r: Request<Body>) -> Response { todo(r) }");
        assert!(
            streamed.contains("check_async_handler (answer)"),
            "{streamed}"
        );
        assert!(
            streamed.contains("run_async (answer , request) . await"),
            "{streamed}"
        );
        assert!(streamed.contains("wasi :: export"), "{streamed}");
        assert!(!streamed.contains("raw"), "{streamed}");
    }

    #[test]
    fn what_is_no_handler_is_explained() {
        let cases = [
            ("struct Handler;", "goes on a function"),
            ("unsafe fn f(r: Request) -> Response {}", "safe function"),
            ("extern \"C\" fn f(r: Request) -> Response {}", "no extern"),
            (
                "fn f<T>(r: Request) -> Response {}",
                "no generic parameters",
            ),
            ("fn f() -> Response {}", "one argument"),
            ("fn f(a: Request, b: u8) -> Response {}", "one argument"),
            ("fn f(&self) -> Response {}", "one argument"),
            ("fn f(r: Request) {}", "returns a Response"),
        ];
        for (item, expected) in cases {
            let message = message("", item);
            assert!(message.contains(expected), "{item}: {message}");
        }
        let good = "fn f(r: Request) -> Response {}";
        assert_eq!(message("", good), "");
        assert!(message("GET", good).contains("no arguments"));
    }
}
