//! The modules around a guest's own, told by their every part: no name and no tool's mark says what
//! a module does.

use wasmparser::{
    BinaryReaderError, ConstExpr, ElementItems, ElementKind, ExternalKind, FuncType, Operator,
    Parser, Payload, TableType, TypeRef, ValType,
};

/// The core type of `write`: a level, and a message by address and size.
const WRITE: ([ValType; 3], [ValType; 0]) = ([ValType::I32; 3], []);

/// A module that puts one imported function into the first place of an imported table.
pub(super) struct Fixup<'a> {
    /// What it imports both from.
    pub(super) from: &'a str,
    pub(super) table: &'a str,
    pub(super) function: &'a str,
}

/// The only import of a module, which is a function: what it is imported from, and its name. Or
/// that it has none. `None` if there is anything else.
pub(super) fn only_import(module: &[u8]) -> Option<Option<(&str, &str)>> {
    let mut only = None;
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ImportSection(section) = payload.ok()? else {
            continue;
        };
        for import in section.into_imports() {
            let import = import.ok()?;
            if only.is_some() || !matches!(import.ty, TypeRef::Func(_)) {
                return None;
            }
            only = Some((import.module, import.name));
        }
    }
    Some(only)
}

/// The name of a shim's table: a module that consists of a function with the type of `write`, which
/// it exports by this name and which calls what is in the first place of a table, and of that
/// table.
pub(super) fn table_of_shim<'a>(module: &'a [u8], function: &str) -> Option<&'a str> {
    let (mut table, mut typed, mut calls) = (None, false, false);
    for payload in Parser::new(0).parse_all(module) {
        match payload.ok()? {
            Payload::TypeSection(section) => {
                typed = has_only(section.into_iter_err_on_gc_types(), is_write_type)?;
            }
            Payload::FunctionSection(section) => {
                has_only(section, |index| *index == 0)?.then_some(())?;
            }
            Payload::TableSection(section) => {
                has_only(section, |table| is_plain(&table.ty))?.then_some(())?;
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.ok()?;
                    match export.kind {
                        ExternalKind::Func if export.name == function => {}
                        ExternalKind::Table => table = Some(export.name),
                        _ => return None,
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                (body.get_locals_reader().ok()?.get_count() == 0).then_some(())?;
                calls = forwards(body.get_operators_reader().ok()?)?;
            }
            Payload::Version { .. }
            | Payload::CodeSectionStart { .. }
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            _ => return None,
        }
    }
    table.filter(|_| typed && calls)
}

/// What a fixup imports; `None` for a module that does more.
pub(super) fn fixup(module: &[u8]) -> Option<Fixup<'_>> {
    let (mut table, mut function, mut puts) = (None, None, false);
    for payload in Parser::new(0).parse_all(module) {
        match payload.ok()? {
            Payload::TypeSection(section) => {
                has_only(section.into_iter_err_on_gc_types(), is_write_type)?.then_some(())?;
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.ok()?;
                    let place = match import.ty {
                        TypeRef::Func(0) => &mut function,
                        TypeRef::Table(ty) if is_plain(&ty) => &mut table,
                        _ => return None,
                    };
                    if place.replace((import.module, import.name)).is_some() {
                        return None;
                    }
                }
            }
            Payload::ElementSection(section) => {
                puts = has_only(section, |element| {
                    let ElementKind::Active {
                        table_index: None | Some(0),
                        offset_expr,
                    } = &element.kind
                    else {
                        return false;
                    };
                    let ElementItems::Functions(functions) = element.items.clone() else {
                        return false;
                    };
                    is_zero(offset_expr) && has_only(functions, |index| *index == 0) == Some(true)
                })?;
            }
            Payload::Version { .. } | Payload::CustomSection(_) | Payload::End(_) => {}
            _ => return None,
        }
    }
    let ((from, table), (also_from, function)) = (table?, function?);
    (puts && from == also_from).then_some(Fixup {
        from,
        table,
        function,
    })
}

/// What a module imports, a function, whose only doing is to call that when it starts.
pub(super) fn starter(module: &[u8]) -> Option<(&str, &str)> {
    let mut starts = false;
    for payload in Parser::new(0).parse_all(module) {
        match payload.ok()? {
            Payload::StartSection { func: 0, .. } => starts = true,
            Payload::Version { .. }
            | Payload::TypeSection(_)
            | Payload::ImportSection(_)
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            _ => return None,
        }
    }
    only_import(module)?.filter(|_| starts)
}

/// Whether a list has one item, which is as wanted. `None` if it cannot be read or is not one long.
fn has_only<T>(
    items: impl IntoIterator<Item = Result<T, BinaryReaderError>>,
    wanted: impl Fn(&T) -> bool,
) -> Option<bool> {
    let mut items = items.into_iter();
    let only = items.next()?.ok()?;
    items.next().is_none().then(|| wanted(&only))
}

fn is_write_type(ty: &FuncType) -> bool {
    (ty.params(), ty.results()) == (&WRITE.0[..], &WRITE.1[..])
}

/// A table of functions with a first place, addressed by 32 bits, in which nothing is at first.
fn is_plain(ty: &TableType) -> bool {
    !ty.table64 && !ty.shared && ty.initial >= 1 && ty.element_type.is_func_ref()
}

/// Whether a function calls what is at 0 in the table with its own arguments.
fn forwards(mut operators: wasmparser::OperatorsReader<'_>) -> Option<bool> {
    for argument in 0..WRITE.0.len() {
        match operators.read().ok()? {
            Operator::LocalGet { local_index } if local_index as usize == argument => {}
            _ => return None,
        }
    }
    let call = [operators.read(), operators.read(), operators.read()];
    let is_call = matches!(
        call,
        [
            Ok(Operator::I32Const { value: 0 }),
            Ok(Operator::CallIndirect {
                type_index: 0,
                table_index: 0
            }),
            Ok(Operator::End),
        ]
    );
    Some(is_call && operators.eof())
}

fn is_zero(expression: &ConstExpr<'_>) -> bool {
    let mut operators = expression.get_operators_reader();
    matches!(
        [operators.read(), operators.read()],
        [Ok(Operator::I32Const { value: 0 }), Ok(Operator::End)]
    )
}
