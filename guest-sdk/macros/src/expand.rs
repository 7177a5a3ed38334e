//! From a handler's tokens to its expansion: checks that explain themselves, and the glue. Works on
//! `proc_macro2` tokens only.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Item, ItemFn, ReturnType, Safety, Signature};

/// What a function is to be made, as its messages name it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Handler,
    Middleware,
}

impl Role {
    fn attribute(self) -> &'static str {
        match self {
            Role::Handler => "#[handler]",
            Role::Middleware => "#[middleware]",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Role::Handler => "handler",
            Role::Middleware => "middleware",
        }
    }

    /// What it looks like.
    fn shape(self) -> &'static str {
        match self {
            Role::Handler => "fn handle(request: Request) -> Response",
            Role::Middleware => {
                "async fn handle(request: Request<Body>, next: Next) -> Response<Body>"
            }
        }
    }

    fn arguments(self) -> (usize, &'static str) {
        match self {
            Role::Handler => (1, "one argument: request: Request"),
            Role::Middleware => (2, "two arguments: request: Request<Body>, next: Next"),
        }
    }
}

/// The function followed by its check and, in a WebAssembly build, the component's export.
///
/// # Errors
/// A message at the right place when `item` is no function a host could call.
pub(crate) fn handler(arguments: &TokenStream, item: TokenStream) -> Result<TokenStream, Error> {
    let function = parse(Role::Handler, arguments, item)?;
    Ok(handler_expansion(&function))
}

/// The same for a middleware.
///
/// # Errors
/// As [`handler`].
pub(crate) fn middleware(arguments: &TokenStream, item: TokenStream) -> Result<TokenStream, Error> {
    let function = parse(Role::Middleware, arguments, item)?;
    if function.sig.asyncness.is_none() {
        let message = "a middleware is an async fn: it waits for the handler behind it";
        return Err(Error::new(function.sig.ident.span(), message));
    }
    Ok(middleware_expansion(&function))
}

fn parse(role: Role, arguments: &TokenStream, item: TokenStream) -> Result<ItemFn, Error> {
    let attribute = role.attribute();
    if !arguments.is_empty() {
        let message = format!("{attribute} takes no arguments");
        return Err(Error::new_spanned(arguments, message));
    }
    let function = match syn::parse2(item)? {
        Item::Fn(function) => function,
        other => {
            let message = format!("{attribute} goes on a function: {}", role.shape());
            return Err(Error::new_spanned(other, message));
        }
    };
    check_signature(role, &function.sig)?;
    Ok(function)
}

fn check_signature(role: Role, signature: &Signature) -> Result<(), Error> {
    let noun = role.noun();
    if let Safety::Unsafe(keyword) = &signature.safety {
        let message = format!("a {noun} is a safe function");
        return Err(Error::new_spanned(keyword, message));
    }
    if let Some(abi) = &signature.abi {
        let message = format!("a {noun} has no extern: the attribute exports it");
        return Err(Error::new_spanned(abi, message));
    }
    if !signature.generics.params.is_empty() {
        let message = format!("a {noun} has no generic parameters: only the host calls it");
        return Err(Error::new_spanned(&signature.generics, message));
    }
    check_types(role, signature)
}

fn check_types(role: Role, signature: &Signature) -> Result<(), Error> {
    let (noun, inputs) = (role.noun(), &signature.inputs);
    let (count, arguments) = role.arguments();
    if inputs.len() != count || matches!(inputs.first(), Some(FnArg::Receiver(_))) {
        let message = format!("a {noun} takes {arguments}");
        let span = if inputs.is_empty() {
            signature.ident.span()
        } else {
            inputs.span()
        };
        return Err(Error::new(span, message));
    }
    if matches!(signature.output, ReturnType::Default) {
        let message = format!("a {noun} returns a Response, or a Result<Response, E>");
        return Err(Error::new(signature.ident.span(), message));
    }
    Ok(())
}

/// The function as it is, and beside it the export of the world that its type chooses. The calls
/// carry the return type's place, so that is where a wrong type is reported, and only once:
/// natively by the check, in a WebAssembly build by the call itself.
fn handler_expansion(function: &ItemFn) -> TokenStream {
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
    expansion(function, &check, &export)
}

/// The same for a middleware, which has one world.
fn middleware_expansion(function: &ItemFn) -> TokenStream {
    let name = &function.sig.ident;
    let place = function.sig.output.span();
    let check = quote_spanned! { place => ::httpd_guest::__private::check_middleware(#name) };
    let export = streamed_export(&quote_spanned! { place =>
        ::httpd_guest::__private::run_middleware(#name, request).await
    });
    expansion(function, &check, &export)
}

fn expansion(function: &ItemFn, check: &TokenStream, export: &TokenStream) -> TokenStream {
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

    #[test]
    fn a_middleware_has_a_handler_behind_it_and_waits_for_it() {
        let expand = |item: &str| {
            let tokens = middleware(&TokenStream::new(), item.parse().unwrap());
            tokens.map_or_else(|error| error.to_string(), |tokens| tokens.to_string())
        };
        let good = expand("async fn f(r: Request<Body>, next: Next) -> Response { todo(r) }");
        assert!(good.contains("check_middleware (f)"), "{good}");
        assert!(
            good.contains("run_middleware (f , request) . await"),
            "{good}"
        );
        assert!(good.contains("wasi :: export"), "{good}");
        for (item, expected) in [
            (
                "fn f(r: Request<Body>, next: Next) -> Response {}",
                "an async fn",
            ),
            (
                "async fn f(r: Request<Body>) -> Response {}",
                "two arguments",
            ),
            (
                "async fn f(r: Request<Body>, next: Next) {}",
                "a middleware returns",
            ),
            ("struct Middleware;", "#[middleware] goes on a function"),
        ] {
            let message = expand(item);
            assert!(message.contains(expected), "{item}: {message}");
        }
    }
}
