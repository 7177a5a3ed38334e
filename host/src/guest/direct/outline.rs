//! Reads a component's sections into its index spaces: which modules there are, how they are
//! instantiated, what is lifted and lowered. It judges nothing; what no plain component has makes
//! it give up.

use wasmparser::types::Types;
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentTypeRef,
    ExternalKind, Instance, Parser, Payload, TypeBounds, Validator, WasmFeatures,
};

/// What a component is made of, in the order of its index spaces.
#[derive(Default)]
pub(super) struct Outline<'a> {
    pub(super) modules: Vec<&'a [u8]>,
    pub(super) core_instances: Vec<Instance<'a>>,
    pub(super) core_functions: Vec<CoreFunction<'a>>,
    pub(super) core_memories: Vec<CoreExport<'a>>,
    pub(super) core_tables: Vec<CoreExport<'a>>,
    /// The names of the instances it imports.
    pub(super) instances: Vec<&'a str>,
    pub(super) functions: Vec<Function<'a>>,
    /// Names and functions that it exports.
    pub(super) exports: Vec<(&'a str, u32)>,
}

/// What an instance of a module exports.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct CoreExport<'a> {
    /// The instance's index.
    pub(super) instance: u32,
    pub(super) name: &'a str,
}

/// A function that modules can import, or that can be lifted.
pub(super) enum CoreFunction<'a> {
    Export(CoreExport<'a>),
    /// A function of the component with this index, called by the canonical ABI.
    Lowered(u32, Box<[CanonicalOption]>),
}

/// A function of the component.
pub(super) enum Function<'a> {
    /// Exported by the imported instance with this index.
    Import { instance: u32, name: &'a str },
    /// A module's function with this index, called by the canonical ABI.
    Lifted(u32, Box<[CanonicalOption]>),
    /// An export, which is one more function in the index space.
    Export,
}

impl<'a> Outline<'a> {
    /// Reads a component's binary, and its types. Returns `None` for one that is invalid, and for
    /// one with more than modules, imported instances and functions. The code of its modules is not
    /// validated.
    pub(super) fn read(bytes: &'a [u8]) -> Option<(Outline<'a>, Types)> {
        let mut validator = Validator::new_with_features(WasmFeatures::all());
        let mut outline = Outline::default();
        // How many modules are open around what is read: none, or one.
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.ok()?;
            let valid = validator.payload(&payload).ok()?;
            match (&payload, valid) {
                (Payload::End(_), wasmparser::ValidPayload::End(types)) => {
                    if depth == 0 {
                        return Some((outline, types));
                    }
                    depth -= 1;
                }
                _ if depth > 0 => {}
                (
                    Payload::ModuleSection {
                        unchecked_range, ..
                    },
                    _,
                ) => {
                    depth += 1;
                    let (start, end) = (unchecked_range.start, unchecked_range.end);
                    let range = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
                    outline.modules.push(bytes.get(range)?);
                }
                _ => outline.section(payload)?,
            }
        }
        None
    }

    fn section(&mut self, payload: Payload<'a>) -> Option<()> {
        match payload {
            Payload::InstanceSection(section) => {
                for instance in section {
                    self.core_instances.push(instance.ok()?);
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.ok()?;
                    match import.ty {
                        ComponentTypeRef::Instance(_) => self.instances.push(import.name.name),
                        ComponentTypeRef::Type(TypeBounds::Eq(_)) => {}
                        _ => return None,
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(&alias.ok()?)?;
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    self.canonical(function.ok()?)?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.ok()?;
                    match export.kind {
                        ComponentExternalKind::Func => {
                            self.exports.push((export.name.name, export.index));
                            self.functions.push(Function::Export);
                        }
                        ComponentExternalKind::Type => {}
                        _ => return None,
                    }
                }
            }
            Payload::Version { .. }
            | Payload::ComponentTypeSection(_)
            | Payload::CoreTypeSection(_)
            | Payload::CustomSection(_) => {}
            _ => return None,
        }
        Some(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'a>) -> Option<()> {
        match *alias {
            ComponentAlias::CoreInstanceExport {
                kind,
                instance_index,
                name,
            } => {
                let export = CoreExport {
                    instance: instance_index,
                    name,
                };
                match kind {
                    ExternalKind::Func => self.core_functions.push(CoreFunction::Export(export)),
                    ExternalKind::Memory => self.core_memories.push(export),
                    ExternalKind::Table => self.core_tables.push(export),
                    ExternalKind::Global => {}
                    _ => return None,
                }
            }
            ComponentAlias::InstanceExport {
                kind,
                instance_index,
                name,
            } => match kind {
                ComponentExternalKind::Func => self.functions.push(Function::Import {
                    instance: instance_index,
                    name,
                }),
                ComponentExternalKind::Type => {}
                _ => return None,
            },
            ComponentAlias::Outer { .. } => return None,
        }
        Some(())
    }

    fn canonical(&mut self, function: CanonicalFunction) -> Option<()> {
        match function {
            CanonicalFunction::Lift {
                core_func_index,
                options,
                ..
            } => self
                .functions
                .push(Function::Lifted(core_func_index, options)),
            CanonicalFunction::Lower {
                func_index,
                options,
            } => self
                .core_functions
                .push(CoreFunction::Lowered(func_index, options)),
            _ => return None,
        }
        Some(())
    }
}
