//! Attributes for tests that run once for every kind of database or shared state.
//!
//! `#[on_every_db] async fn a_job_is_claimed_once(home: &TestDb)` becomes two tests,
//! `a_job_is_claimed_once::on_sqlite` and `a_job_is_claimed_once::on_postgres`. The function stays
//! what it is, so rustfmt, clippy and editors treat it as ordinary code.
//!
//! Attributes below the macro, such as `#[ignore]`, apply to each of the tests; doc comments and
//! lint levels stay with the function.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Code;
use quote::quote;
use syn::{Attribute, Error, ItemFn, parse_macro_input};

/// One of the tests that a function becomes.
struct Variant {
    name: &'static str,
    /// Statements that call the function, which is `check`.
    body: Code,
}

/// Runs a test of the storage layer on a fresh `SQLite` file and on a fresh `PostgreSQL` database.
///
/// The function takes a `&replyx_storage::testing::TestDb`.
#[proc_macro_attribute]
pub fn on_every_db(_: TokenStream, item: TokenStream) -> TokenStream {
    let on = |open: Code| {
        quote! {
            let db = ::replyx_storage::testing::#open().await;
            check(&db).await;
        }
    };

    let variants = [
        Variant { name: "on_sqlite", body: on(quote!(sqlite)) },
        Variant { name: "on_postgres", body: on(quote!(postgres)) },
    ];
    expand(parse_macro_input!(item as ItemFn), 1, &variants).into()
}

/// Runs a test of the whole program with `SQLite` alone, and with `PostgreSQL` and Redis.
///
/// The function takes a `&crate::harness::Home`.
#[proc_macro_attribute]
pub fn on_every_home(_: TokenStream, item: TokenStream) -> TokenStream {
    let on = |open: Code| {
        quote! {
            let home = crate::harness::Home::#open().await;
            check(&home).await;
        }
    };

    let variants = [
        Variant { name: "on_sqlite", body: on(quote!(sqlite)) },
        Variant { name: "on_postgres", body: on(quote!(postgres)) },
    ];
    expand(parse_macro_input!(item as ItemFn), 1, &variants).into()
}

/// Runs a test of the shared state in process and on Redis.
///
/// The function takes two `replyx_live::Live`: on Redis they are two processes of an installation,
/// in process they are the same one.
#[proc_macro_attribute]
pub fn on_every_live(_: TokenStream, item: TokenStream) -> TokenStream {
    let in_process = quote! {
        let live = ::replyx_live::Live::in_process();
        check(live.clone(), live).await;
    };
    let on_redis = quote! {
        let (here, there) = crate::homes::on_redis().await;
        check(here, there).await;
    };

    let variants = [
        Variant { name: "in_process", body: in_process },
        Variant { name: "on_redis", body: on_redis },
    ];
    expand(parse_macro_input!(item as ItemFn), 2, &variants).into()
}

/// The function itself, and next to it a module of the same name with a test for each variant.
fn expand(mut function: ItemFn, arguments: usize, variants: &[Variant]) -> Code {
    if function.sig.asyncness.is_none() || function.sig.inputs.len() != arguments {
        let message = format!("expected an async function with {arguments} argument(s)");
        return Error::new_spanned(&function.sig, message).to_compile_error();
    }

    let (kept, moved): (Vec<_>, Vec<_>) =
        function.attrs.drain(..).partition(stays_with_the_function);
    function.attrs = kept;

    let name = &function.sig.ident;
    let tests = variants.iter().map(|variant| {
        let test = syn::Ident::new(variant.name, name.span());
        let body = &variant.body;

        quote! {
            #(#moved)*
            #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn #test() {
                #body
            }
        }
    });

    quote! {
        #function

        mod #name {
            use super::#name as check;

            #(#tests)*
        }
    }
}

fn stays_with_the_function(attribute: &Attribute) -> bool {
    ["doc", "allow", "expect", "warn", "deny"].iter().any(|name| attribute.path().is_ident(name))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn variants() -> [Variant; 2] {
        [
            Variant { name: "here", body: quote!(check(1).await;) },
            Variant { name: "there", body: quote!(check(2).await;) },
        ]
    }

    #[test]
    fn a_function_stays_and_each_variant_is_a_test_in_a_module_of_its_name() {
        let function = parse_quote! {
            /// Says why.
            #[ignore = "slow"]
            async fn it_works(number: u8) {}
        };

        let code: syn::File = syn::parse2(expand(function, 1, &variants())).expect("valid code");

        let expected: syn::File = parse_quote! {
            /// Says why.
            async fn it_works(number: u8) {}

            mod it_works {
                use super::it_works as check;

                #[ignore = "slow"]
                #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn here() {
                    check(1).await;
                }

                #[ignore = "slow"]
                #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn there() {
                    check(2).await;
                }
            }
        };
        assert_eq!(quote!(#code).to_string(), quote!(#expected).to_string());
    }

    #[test]
    fn a_function_of_another_shape_is_a_compile_error() {
        for function in
            [parse_quote! { fn it_works(number: u8) {} }, parse_quote! { async fn it_works() {} }]
        {
            let code = expand(function, 1, &variants()).to_string();
            assert!(code.contains("compile_error"), "{code}");
        }
    }
}
