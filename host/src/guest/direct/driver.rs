//! Gives a guest's module one more function, which makes a whole call in one go: it does what the
//! host wants first, and asks it again and again what to do next, with the module's own functions.
//! Without it, the host would enter the guest anew for each piece of memory that a request needs.
//!
//! Nothing else of the module changes but the numbers of its functions, one import being before
//! them, that it starts itself if another module did it before, and that somebody else may be left
//! to write its data into memory. Its own code cannot reach what was added.

use super::shape::{Calls, Whole};
use super::step::{FREE, HANDLE, PIECES};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, ImportSection, InstructionSink, Module, SectionId, StartSection, TypeSection,
    ValType,
};
use wasmparser::{DataKind, ExternalKind, Parser, Payload, TypeRef};

/// What the added function imports: it is told what the last step came to, and says what the next
/// one is, see [`super::step`].
pub(super) const STEP: (&str, &str) = ("httpd:host", "step");
/// What the added function is exported as. Names of the component model cannot be like this.
pub(super) const SERVE: &str = "httpd:host/serve";

/// What becomes of the data that a module's memory begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// An instance has it from the start.
    Kept,
    /// Its places are left zero, for somebody else to write it there.
    LeftOut,
}

/// Adds the function to a module. Returns `None` for a module that this is not meant for: one whose
/// exports are no functions of its own, or which has a name of ours.
pub(super) fn add(whole: &Whole<'_>, data: Data) -> Option<Vec<u8>> {
    let mut driver = Driver::new(whole, data)?;
    let mut module = Module::new();
    let parser = Parser::new(0);
    driver
        .parse_core_module(&mut module, parser, whole.module)
        .ok()?;
    Some(module.finish())
}

/// What is known of a module, and how far it has been written.
struct Driver {
    types: u32,
    imports: u32,
    functions: u32,
    realloc: u32,
    handle: u32,
    post_return: Option<u32>,
    start: Option<u32>,
    data: Data,
    has_imported: bool,
}

impl Driver {
    fn new(whole: &Whole<'_>, data: Data) -> Option<Driver> {
        let (mut types, mut imports, mut functions) = (0, 0, 0);
        let mut exports = Vec::new();
        for payload in Parser::new(0).parse_all(whole.module) {
            match payload.ok()? {
                Payload::TypeSection(section) => {
                    for group in section {
                        types += u32::try_from(group.ok()?.types().len()).ok()?;
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.ok()?;
                        if import.module == STEP.0 {
                            return None;
                        }
                        imports += u32::from(matches!(import.ty, TypeRef::Func(_)));
                    }
                }
                Payload::FunctionSection(section) => functions = section.count(),
                Payload::ExportSection(section) => {
                    exports = section.into_iter().collect::<Result<_, _>>().ok()?;
                }
                Payload::StartSection { .. } if whole.start.is_some() => return None,
                _ => {}
            }
        }
        if exports.iter().any(|export| export.name == SERVE) {
            return None;
        }
        let own = |name: &str| {
            let export = exports.iter().find(|export| export.name == name)?;
            let is_own = export.kind == ExternalKind::Func && export.index >= imports;
            is_own.then_some(export.index)
        };
        let optional = |name: Option<&str>| match name {
            None => Some(None),
            Some(name) => own(name).map(Some),
        };
        let Calls {
            realloc,
            handle,
            post_return,
        } = whole.calls;
        Some(Driver {
            types,
            imports,
            functions,
            realloc: own(realloc)?,
            handle: own(handle)?,
            post_return: optional(post_return)?,
            start: optional(whole.start)?,
            data,
            has_imported: false,
        })
    }

    /// Behind all other imports: those keep their numbers.
    fn import_step(&mut self, imports: &mut ImportSection) {
        imports.import(STEP.0, STEP.1, EntityType::Function(self.types));
        self.has_imported = true;
    }

    /// The number that a function of the module has now.
    fn renumbered(&self, function: u32) -> u32 {
        function + u32::from(function >= self.imports)
    }

    /// The added function:
    ///
    /// ```text
    /// serve(asked)
    ///   loop
    ///     match asked[0] >> 32
    ///       0 => return
    ///       FREE => post_return(told[0]), return
    ///       HANDLE => told[0] = handle(asked[0])
    ///       _ => for each that is not 0: told[n] = realloc(0, 0, asked[n] >> 32, asked[n])
    ///     asked = step(told)
    /// ```
    fn serve(&self) -> Function {
        const COUNT: u32 = PIECES as u32;
        const ASKED: u32 = 0;
        const TOLD: u32 = ASKED + COUNT;
        const WHAT: u32 = TOLD + COUNT;
        let mut function = Function::new([(COUNT + 1, ValType::I32)]);
        let mut code = function.instructions();
        let is = |code: &mut InstructionSink<'_>, what| {
            let equal = code.local_get(WHAT).i32_const(what).i32_eq();
            equal.if_(BlockType::Empty);
        };
        code.loop_(BlockType::Empty);
        code.local_get(ASKED).i64_const(32).i64_shr_s();
        code.i32_wrap_i64().local_tee(WHAT).i32_eqz();
        code.if_(BlockType::Empty).return_().end();
        is(&mut code, FREE);
        if let Some(post_return) = self.post_return {
            code.local_get(TOLD).call(self.renumbered(post_return));
        }
        code.return_().end();
        code.block(BlockType::Empty);
        is(&mut code, HANDLE);
        code.local_get(ASKED).i32_wrap_i64();
        code.call(self.renumbered(self.handle)).local_set(TOLD);
        code.br(1).end();
        for (asked, told) in (ASKED..TOLD).zip(TOLD..) {
            code.local_get(asked).i64_eqz().br_if(0);
            code.i32_const(0).i32_const(0);
            code.local_get(asked)
                .i64_const(32)
                .i64_shr_u()
                .i32_wrap_i64();
            code.local_get(asked).i32_wrap_i64();
            code.call(self.renumbered(self.realloc)).local_set(told);
        }
        code.end();
        for told in TOLD..WHAT {
            code.local_get(told);
        }
        code.call(self.imports);
        for asked in (ASKED..TOLD).rev() {
            code.local_set(asked);
        }
        code.br(0).end().end();
        function
    }
}

/// A module names a function or a type that it does not have. Its code is not validated before
/// something is added to it, and would name what was added.
struct Missing;

impl Reencode for Driver {
    type Error = Missing;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Missing>> {
        let own = function < self.imports + self.functions;
        own.then(|| self.renumbered(function))
            .ok_or(Error::UserError(Missing))
    }

    fn type_index(&mut self, ty: u32) -> Result<u32, Error<Missing>> {
        (ty < self.types)
            .then_some(ty)
            .ok_or(Error::UserError(Missing))
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), Error<Missing>> {
        utils::parse_type_section(self, types, section)?;
        types
            .ty()
            .function([ValType::I32; PIECES], [ValType::I64; PIECES]);
        types.ty().function([ValType::I64; PIECES], []);
        Ok(())
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), Error<Missing>> {
        utils::parse_import_section(self, imports, section)?;
        self.import_step(imports);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), Error<Missing>> {
        utils::parse_function_section(self, functions, section)?;
        functions.function(self.types + 1);
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), Error<Missing>> {
        utils::parse_export_section(self, exports, section)?;
        // Behind the module's own functions, and the import before them.
        exports.export(SERVE, ExportKind::Func, self.imports + 1 + self.functions);
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), Error<Missing>> {
        utils::parse_code_section(self, code, section)?;
        code.function(&self.serve());
        Ok(())
    }

    /// A segment that is empty keeps the others' numbers.
    fn parse_data(
        &mut self,
        data: &mut DataSection,
        mut datum: wasmparser::Data<'_>,
    ) -> Result<(), Error<Missing>> {
        let is_active = matches!(datum.kind, DataKind::Active { .. });
        if is_active && self.data == Data::LeftOut {
            datum.data = &[];
        }
        utils::parse_data(self, data, datum)
    }

    /// A module may have had no section for what it imports now, and none for its start.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _after: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<(), Error<Missing>> {
        let is_early = matches!(before, Some(SectionId::Type | SectionId::Import));
        if !is_early && !self.has_imported {
            let mut imports = ImportSection::new();
            self.import_step(&mut imports);
            module.section(&imports);
        }
        let is_late = matches!(
            before,
            Some(SectionId::Element | SectionId::DataCount | SectionId::Code)
        );
        if let Some(start) = self.start.filter(|_| is_late) {
            self.start = None;
            let function_index = self.renumbered(start);
            module.section(&StartSection { function_index });
        }
        Ok(())
    }
}
