//! What is known of the statement that is being scanned: whether a semicolon would end it, and
//! whether it is a COPY that reads data.

use super::super::lexer::is_operand;
use crate::domain::room;

/// The state of a statement after the tokens read so far.
#[derive(Default)]
pub(super) struct StatementState {
    // Its words so far.
    words: usize,
    // CREATE [OR REPLACE] FUNCTION or PROCEDURE, as far as it has come.
    routine: Routine,
    // Enclosure parentheses.
    parentheses: usize,
    // These and open brackets, the innermost one last.
    open: Vec<Enclosure>,
    // The last word was JSON_OBJECT or JSON_OBJECTAGG.
    json: bool,
    // Enclosure BEGIN ATOMIC and CASE, which END closes.
    blocks: usize,
    // The last word was BEGIN, of a routine.
    begins: bool,
    copy: CopyState,
}

#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum Routine {
    #[default]
    Start,
    Create,
    Or,
    Replace,
    Yes,
    No,
}

/// What encloses a token.
#[derive(PartialEq, Eq, Clone, Copy)]
enum Enclosure {
    Parenthesis,
    /// The parenthesis of JSON_OBJECT, in which a colon may separate key and value.
    Json,
    /// `a[…]`, in which a colon may separate bounds.
    Subscript,
    /// `ARRAY[…]`
    Constructor,
}

/// How much of `COPY … FROM stdin` was read.
#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum CopyState {
    #[default]
    No,
    Begun,
    From,
    FromClient,
}

/// What a colon before a name may be.
#[derive(PartialEq, Eq, Clone, Copy)]
pub(super) enum Colon {
    /// The beginning of a psql variable.
    Variable,
    /// That, or a separator of two operands.
    Either,
    /// A separator of two operands.
    Separator,
}

impl StatementState {
    /// Whether a semicolon ends the statement here.
    pub(super) fn can_end(&self) -> bool {
        self.parentheses == 0 && self.blocks == 0
    }

    /// Whether data follows the end of the statement.
    pub(super) fn reads_data(&self) -> bool {
        self.copy == CopyState::FromClient
    }

    /// Notes a word.
    pub(super) fn word(&mut self, word: &[u8]) {
        let is = |other: &str| word.eq_ignore_ascii_case(other.as_bytes());
        self.routine = match self.routine {
            Routine::Start if is("create") => Routine::Create,
            Routine::Create if is("or") => Routine::Or,
            Routine::Or if is("replace") => Routine::Replace,
            Routine::Create | Routine::Replace if is("function") || is("procedure") => Routine::Yes,
            Routine::Yes => Routine::Yes,
            _ => Routine::No,
        };
        if self.routine == Routine::Yes && self.parentheses == 0 {
            if self.blocks == 0 {
                if self.begins && is("atomic") {
                    self.blocks = 1;
                }
            } else if is("case") {
                self.blocks += 1;
            } else if is("end") {
                self.blocks -= 1;
            }
        }
        self.begins = is("begin");
        self.json = is("json_object") || is("json_objectagg");
        if self.parentheses == 0 {
            self.copy = match self.copy {
                CopyState::No if self.words == 0 && is("copy") => CopyState::Begun,
                // A table of a schema may have this name.
                CopyState::Begun | CopyState::From if is("from") => CopyState::From,
                CopyState::From if is("stdin") || is("stdout") => CopyState::FromClient,
                CopyState::From => CopyState::No,
                same => same,
            };
        }
        self.words += 1;
    }

    /// Notes a token that is no word. It separates words that would belong together.
    pub(super) fn other(&mut self) {
        self.begins = false;
        self.json = false;
        if self.copy == CopyState::From {
            // COPY … FROM 'file'
            self.copy = CopyState::No;
        }
    }

    /// Notes a parenthesis or bracket, which comes after these bytes.
    pub(super) fn bracket(&mut self, byte: u8, before: &[u8]) {
        let is_parenthesis =
            |open: &Enclosure| matches!(open, Enclosure::Parenthesis | Enclosure::Json);
        match byte {
            b'(' => {
                self.parentheses += 1;
                let open = if self.json { Enclosure::Json } else { Enclosure::Parenthesis };
                room::push(&mut self.open, open);
            }
            b')' => {
                self.parentheses = self.parentheses.saturating_sub(1);
                // Brackets that were not closed end with it.
                while let Some(open) = self.open.pop() {
                    if is_parenthesis(&open) {
                        break;
                    }
                }
            }
            b'[' => room::push(&mut self.open, bracket_after(before)),
            b']' => {
                self.open.pop_if(|open| !is_parenthesis(open));
            }
            _ => {}
        }
    }

    /// What a colon may be that comes after these bytes.
    pub(super) fn colon(&self, before: &[u8]) -> Colon {
        let is_after_operand = |bytes: &[u8]| bytes.last().is_some_and(|last| is_operand(*last));
        match self.open.last() {
            Some(Enclosure::Subscript | Enclosure::Json) if is_after_operand(before) => {
                Colon::Separator
            }
            // The first bound may be left out, so that the colon comes after a bracket.
            Some(Enclosure::Subscript) => Colon::Either,
            Some(Enclosure::Json) if is_after_operand(before.trim_ascii_end()) => Colon::Either,
            _ => Colon::Variable,
        }
    }
}

/// What a bracket opens that comes after these bytes.
fn bracket_after(before: &[u8]) -> Enclosure {
    let before = before.trim_ascii_end();
    match before.last() {
        // A further dimension.
        Some(b'[' | b',') => Enclosure::Constructor,
        Some(last) if is_operand(*last) => {
            let (rest, word) = before.split_at(before.len().saturating_sub(5));
            let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(*b, b'_' | 0x80..);
            match word.eq_ignore_ascii_case(b"array") && !rest.last().is_some_and(is_name) {
                true => Enclosure::Constructor,
                false => Enclosure::Subscript,
            }
        }
        _ => Enclosure::Constructor,
    }
}
