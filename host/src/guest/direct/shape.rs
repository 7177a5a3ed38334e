//! Decides whether a component is nothing but one module in the clothes of the component model, so
//! that calling the module means the same as calling the component. What it does not know for
//! certain it does not take: such a component is called the usual way.
//!
//! A module that imports `log.write` comes with two more, since whoever lowers `write` needs the
//! memory of an instance that cannot be made without `write`: a shim, whose function calls through
//! a table, and a fixup, which puts `write` into that table when it exists. Both are known by their
//! every part, and left out. So is a third one, whose start is to call the module's own
//! initialisation.

use super::outline::{CoreExport, CoreFunction, Function, Outline};
use super::parts;
use super::wit;
use crate::guest::imports;
use wasmparser::{CanonicalOption, ExternalKind, Instance, InstantiationArg};

/// The export of the lean lane's world.
const HANDLE: &str = "handle";
/// The only function that it may import, of the interface log.
const WRITE: &str = "write";

/// Instances of modules that come with a module which imports `write`.
const SHIM_AND_FIXUP: usize = 2;

/// A component that is one module.
#[derive(Debug)]
pub(super) struct Whole<'a> {
    /// The module's binary.
    pub(super) module: &'a [u8],
    /// The module whose function `write` it imports, in its own words.
    pub(super) log: Option<&'a str>,
    /// What is to be called once, before all else.
    pub(super) start: Option<&'a str>,
    /// What it exports as its memory.
    pub(super) memory: &'a str,
    /// What it exports for calls, by names.
    pub(super) calls: Calls<'a>,
}

/// The functions of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calls<'a> {
    /// Allocates memory for the request.
    pub(super) realloc: &'a str,
    /// Answers it.
    pub(super) handle: &'a str,
    /// Frees the answer.
    pub(super) post_return: Option<&'a str>,
}

/// The options of a function that is lifted.
struct Lift {
    memory: u32,
    realloc: u32,
    post_return: Option<u32>,
}

/// Reads a component's binary; `None` if it is more than one module, or of another world.
pub(super) fn read(bytes: &[u8]) -> Option<Whole<'_>> {
    let (outline, types) = Outline::read(bytes)?;
    if !wit::is_ours(&outline, types.as_ref()) {
        return None;
    }
    let (function, options) = outline.handle()?;
    let lift = Lift::of(options)?;
    let handle = outline.export(function)?;
    let is_beside = |export: &CoreExport<'_>| export.instance == handle.instance;
    let realloc = outline.export(lift.realloc).filter(is_beside)?;
    let memory = outline.memory(lift.memory).filter(is_beside)?;
    let post_return = match lift.post_return {
        None => None,
        Some(index) => Some(outline.export(index).filter(is_beside)?),
    };
    let (module, arguments) = outline.instantiated(handle.instance)?;
    // Modules that are not instantiated have code that nobody looks at.
    if outline.instances_made() != outline.modules.len() {
        return None;
    }
    let mut others = outline.modules.len() - 1;
    let mut log = None;
    if let Some((from, name)) = parts::only_import(module)? {
        others = others
            .checked_sub(SHIM_AND_FIXUP)
            .filter(|left| *left <= 1)?;
        let given = outline.item(arguments, from, name, ExternalKind::Func)?;
        outline.stands_for_write(given, memory)?;
        log = (name == WRITE).then_some(Some(from))?;
    }
    let start = match others {
        0 => None,
        1 => Some(outline.start_of(handle.instance)?),
        _ => return None,
    };
    Some(Whole {
        module,
        log,
        start,
        memory: memory.name,
        calls: Calls {
            realloc: realloc.name,
            handle: handle.name,
            post_return: post_return.map(|export| export.name),
        },
    })
}

impl Lift {
    /// What a plain lift has, and nothing else.
    fn of(options: &[CanonicalOption]) -> Option<Lift> {
        let (mut memory, mut realloc, mut post_return) = (None, None, None);
        for option in options {
            match option {
                CanonicalOption::UTF8 => {}
                CanonicalOption::Memory(index) => memory = Some(*index),
                CanonicalOption::Realloc(index) => realloc = Some(*index),
                CanonicalOption::PostReturn(index) => post_return = Some(*index),
                _ => return None,
            }
        }
        Some(Lift {
            memory: memory?,
            realloc: realloc?,
            post_return,
        })
    }
}

impl<'a> Outline<'a> {
    /// The function that is lifted to be `handle`.
    fn handle(&self) -> Option<(u32, &[CanonicalOption])> {
        let (_, index) = self.exports.iter().find(|(name, _)| *name == HANDLE)?;
        match self.functions.get(*index as usize)? {
            Function::Lifted(function, options) => Some((*function, options)),
            _ => None,
        }
    }

    fn export(&self, function: u32) -> Option<CoreExport<'a>> {
        match self.core_functions.get(function as usize)? {
            CoreFunction::Export(export) => Some(*export),
            CoreFunction::Lowered(..) => None,
        }
    }

    fn memory(&self, memory: u32) -> Option<CoreExport<'a>> {
        self.core_memories.get(memory as usize).copied()
    }

    /// The module that is instantiated as this instance, and with what.
    fn instantiated(&self, instance: u32) -> Option<(&'a [u8], &[InstantiationArg<'a>])> {
        match self.core_instances.get(instance as usize)? {
            Instance::Instantiate { module_index, args } => {
                Some((self.modules.get(*module_index as usize)?, args))
            }
            Instance::FromExports(_) => None,
        }
    }

    /// How many modules are instantiated, or how often one is.
    fn instances_made(&self) -> usize {
        let made = |instance: &&Instance<'_>| matches!(instance, Instance::Instantiate { .. });
        self.core_instances.iter().filter(made).count()
    }

    /// What is given for an import out of a bundle of exports.
    fn item(
        &self,
        given: &[InstantiationArg<'_>],
        from: &str,
        name: &str,
        kind: ExternalKind,
    ) -> Option<u32> {
        let argument = given.iter().find(|argument| argument.name == from)?;
        let Instance::FromExports(bundle) = self.core_instances.get(argument.index as usize)?
        else {
            return None;
        };
        let item = bundle.iter().find(|item| item.name == name)?;
        (item.kind == kind).then_some(item.index)
    }

    /// `None` unless a function is a shim's, behind which stands `write` with this memory.
    fn stands_for_write(&self, function: u32, memory: CoreExport<'a>) -> Option<()> {
        let shim = self.export(function)?;
        let (module, []) = self.instantiated(shim.instance)? else {
            return None;
        };
        let table = parts::table_of_shim(module, shim.name)?;
        let mut instances = self.core_instances.iter();
        let put = instances.find_map(|it| self.put_by_fixup(it, shim.instance, table))?;
        let CoreFunction::Lowered(function, options) = self.core_functions.get(put as usize)?
        else {
            return None;
        };
        let lowered_with = options.iter().all(|option| match option {
            CanonicalOption::UTF8 => true,
            CanonicalOption::Memory(index) => self.memory(*index) == Some(memory),
            // Nothing is returned that would need memory.
            CanonicalOption::Realloc(_) => true,
            _ => false,
        });
        match self.functions.get(*function as usize)? {
            Function::Import { instance, name } => {
                let interface = self.instances.get(*instance as usize)?;
                (lowered_with && *name == WRITE && imports::is_log(interface, name)).then_some(())
            }
            _ => None,
        }
    }

    /// What of an instance another module calls when it starts, which is all that it does.
    fn start_of(&self, instance: u32) -> Option<&'a str> {
        let mut instances = self.core_instances.iter();
        instances.find_map(|it| match it {
            Instance::Instantiate { module_index, args } => {
                let (from, name) = parts::starter(self.modules.get(*module_index as usize)?)?;
                let given = args.iter().find(|argument| argument.name == from)?;
                (given.index == instance).then_some(name)
            }
            Instance::FromExports(_) => None,
        })
    }

    /// What this instance puts into the first place of a shim's table, if it is a fixup of it.
    fn put_by_fixup(&self, instance: &Instance<'a>, shim: u32, table: &str) -> Option<u32> {
        let Instance::Instantiate { module_index, args } = instance else {
            return None;
        };
        let fixup = parts::fixup(self.modules.get(*module_index as usize)?)?;
        let given = self.item(args, fixup.from, fixup.table, ExternalKind::Table)?;
        let given = self.core_tables.get(given as usize)?;
        if given.instance != shim || given.name != table {
            return None;
        }
        self.item(args, fixup.from, fixup.function, ExternalKind::Func)
    }
}
