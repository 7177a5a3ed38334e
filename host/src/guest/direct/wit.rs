//! Whether a component is of our own world, type by type. wasmtime compares as well, but only once
//! it has compiled the component.

use super::outline::Outline;
use crate::guest::imports;
use wasmparser::PrimitiveValType;
use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentEntityType, ComponentFuncType,
    ComponentInstanceType, ComponentValType,
};
use wasmparser::types::TypesRef;

/// A type of wit/.
enum Wit {
    Primitive(PrimitiveValType),
    List(&'static Wit),
    Option(&'static Wit),
    Record(&'static [(&'static str, Wit)]),
    Enum(&'static [&'static str]),
}

const STRING: Wit = Wit::Primitive(PrimitiveValType::String);
const BYTES: Wit = Wit::List(&Wit::Primitive(PrimitiveValType::U8));
const FIELDS: Wit = Wit::List(&Wit::Record(&[("name", STRING), ("value", BYTES)]));
const CAPTURES: Wit = Wit::List(&Wit::Record(&[("name", STRING), ("value", STRING)]));
/// The record `request` of wit/types.wit.
const REQUEST: Wit = Wit::Record(&[
    ("id", STRING),
    ("client", STRING),
    ("method", STRING),
    ("scheme", STRING),
    ("authority", Wit::Option(&STRING)),
    ("path", STRING),
    ("query", Wit::Option(&STRING)),
    ("fields", FIELDS),
    ("captures", CAPTURES),
    ("body", BYTES),
]);
/// The record `response` of wit/types.wit.
const RESPONSE: Wit = Wit::Record(&[
    ("status", Wit::Primitive(PrimitiveValType::U16)),
    ("fields", FIELDS),
    ("body", BYTES),
]);
/// The enum `level` of wit/log.wit.
const LEVEL: Wit = Wit::Enum(&["trace", "debug", "info", "warn", "error"]);

/// Whether a component exports our `handle` and imports nothing but types and the log.
pub(super) fn is_ours(outline: &Outline<'_>, types: TypesRef<'_>) -> bool {
    let handle = types.component_item_for_export("handle");
    let handles = match handle.map(|item| item.ty) {
        Some(ComponentEntityType::Func(function)) => is_function(
            types,
            &types[function],
            &[("request", REQUEST)],
            Some(&RESPONSE),
        ),
        _ => false,
    };
    let ours = |name: &&str| match types.component_item_for_import(name).map(|item| item.ty) {
        Some(ComponentEntityType::Instance(instance)) => is_known(types, name, &types[instance]),
        _ => false,
    };
    handles && outline.instances.iter().all(ours)
}

/// Whether an imported interface has nothing but types and our `write`.
fn is_known(types: TypesRef<'_>, interface: &str, instance: &ComponentInstanceType) -> bool {
    instance.exports.iter().all(|(name, item)| match item.ty {
        // Of a resource there would have to be somebody who has them.
        ComponentEntityType::Type { referenced, .. } => {
            !matches!(referenced, ComponentAnyTypeId::Resource(_))
        }
        ComponentEntityType::Func(function) => {
            let parameters = [("level", LEVEL), ("message", STRING)];
            let is_write = is_function(types, &types[function], &parameters, None);
            is_write && imports::is_log(interface, name)
        }
        _ => false,
    })
}

fn is_function(
    types: TypesRef<'_>,
    function: &ComponentFuncType,
    parameters: &[(&str, Wit)],
    result: Option<&Wit>,
) -> bool {
    let same_result = match (function.result, result) {
        (None, None) => true,
        (Some(ty), Some(wit)) => is(types, ty, wit),
        _ => false,
    };
    let named = function
        .params
        .iter()
        .map(|(name, ty)| (name.as_str(), *ty));
    !function.async_ && same_result && are(types, named, parameters)
}

/// Whether these are the names and types wanted, in this order.
fn are<'a>(
    types: TypesRef<'_>,
    named: impl ExactSizeIterator<Item = (&'a str, ComponentValType)>,
    wanted: &[(&str, Wit)],
) -> bool {
    let is_same = |((name, ty), (wanted, wit)): ((&str, _), &(&str, Wit))| {
        name == *wanted && is(types, ty, wit)
    };
    named.len() == wanted.len() && named.zip(wanted).all(is_same)
}

fn is(types: TypesRef<'_>, ty: ComponentValType, wit: &Wit) -> bool {
    let defined = match ty {
        ComponentValType::Primitive(primitive) => {
            return matches!(wit, Wit::Primitive(wanted) if *wanted == primitive);
        }
        ComponentValType::Type(defined) => &types[defined],
    };
    match (defined, wit) {
        (ComponentDefinedType::Primitive(primitive), Wit::Primitive(wanted)) => primitive == wanted,
        (ComponentDefinedType::List { element, .. }, Wit::List(wit)) => is(types, *element, wit),
        (ComponentDefinedType::Option { ty, .. }, Wit::Option(wit)) => is(types, *ty, wit),
        (ComponentDefinedType::Record(record), Wit::Record(wanted)) => {
            let fields = record.fields.iter().map(|(name, ty)| (name.as_str(), *ty));
            are(types, fields, wanted)
        }
        (ComponentDefinedType::Enum(cases), Wit::Enum(wanted)) => {
            cases.len() == wanted.len() && cases.iter().zip(*wanted).all(|(a, b)| a.as_str() == *b)
        }
        _ => false,
    }
}
