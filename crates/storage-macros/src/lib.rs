//! The derive that reads a struct from a row of either database.
//!
//! `#[derive(FromRow)]` works inside `replyx-storage` only: what it expands to names that crate's
//! `rows` module. Each field is the column of its name. `#[row(flatten)]` reads a field that is
//! itself a row from the same columns; `#[row(default)]` takes the default where the column is not
//! part of the query.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Code;
use quote::quote;
use syn::{Error, Field, Fields, Ident, ItemStruct, ext::IdentExt, parse_macro_input};

/// Reads a struct from a row of either database.
#[proc_macro_derive(FromRow, attributes(row))]
pub fn from_row(item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as ItemStruct);
    expand(&item).unwrap_or_else(Error::into_compile_error).into()
}

/// How a field is read.
#[derive(Clone, Copy)]
enum Reading {
    /// From the column of its name.
    Column,
    /// From the same row: it is a row itself.
    Flatten,
    /// From the column of its name, if the query has it.
    Default,
}

fn expand(item: &ItemStruct) -> Result<Code, Error> {
    let Fields::Named(fields) = &item.fields else {
        return Err(Error::new_spanned(item, "a row is a struct with named fields"));
    };

    let fields = fields.named.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    let name = &item.ident;
    Ok(quote! {
        impl crate::rows::FromRow for #name {
            fn from_row(row: &impl crate::rows::Columns) -> ::core::result::Result<Self, ::sqlx::Error> {
                ::core::result::Result::Ok(Self { #(#fields,)* })
            }
        }

        impl<'r> ::sqlx::FromRow<'r, ::sqlx::postgres::PgRow> for #name {
            fn from_row(row: &'r ::sqlx::postgres::PgRow) -> ::core::result::Result<Self, ::sqlx::Error> {
                <Self as crate::rows::FromRow>::from_row(row)
            }
        }
    })
}

fn field(field: &Field) -> Result<Code, Error> {
    let Some(name) = &field.ident else {
        return Err(Error::new_spanned(field, "a row's fields have names"));
    };

    let column = name.unraw().to_string();
    Ok(match reading(field)? {
        Reading::Column => quote!(#name: crate::rows::Columns::get(row, #column)?),
        Reading::Flatten => quote!(#name: crate::rows::FromRow::from_row(row)?),
        Reading::Default => quote!(#name: crate::rows::Columns::get_or_default(row, #column)?),
    })
}

fn reading(field: &Field) -> Result<Reading, Error> {
    let mut reading = Reading::Column;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("row")) {
        let word: Ident = attribute.parse_args()?;
        reading = match word.to_string().as_str() {
            "flatten" => Reading::Flatten,
            "default" => Reading::Default,
            _ => return Err(Error::new_spanned(word, "expected `flatten` or `default`")),
        };
    }
    Ok(reading)
}
