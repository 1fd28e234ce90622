//! What stands before and behind a body: what its migration requires, its precondition
//! and its verify script; and what becomes of a migration that doesn't get through.

use super::body::{Done, Keep};
use super::condition;
use super::ready::Ready;
use super::report::{Direction, Part};
use super::run::{Ended, Run};
use super::step::{Act, Begun, Step};
use crate::domain::requirement::Requirement;
use crate::error::{Error, Result};
use crate::pg::spi::View;
use crate::pg::subtransaction::Subtransaction;
use crate::store::Batch;
use crate::store::applied::Origin;
use crate::store::event::{Event, identity};
use crate::store::overview::Pending;
use crate::store::script::{OnFail, StoredScript};

/// How far a step has come before its body.
pub enum Prepared<'a> {
    /// It ends there.
    Ended(Ended<'a>),
    /// Its texts, and what the precondition has told.
    Ready(Batch<'a>, Ready, Vec<String>),
}

/// Why a script that must hold doesn't.
enum Denial {
    /// It gave this.
    Gave(Part, &'static str),
    /// It failed.
    Failed(Error),
}

impl Denial {
    fn reason(&self) -> String {
        match self {
            Denial::Gave(_, gave) => format!("its precondition gave {gave}"),
            Denial::Failed(error) => {
                let (sqlstate, message) = error.summary();
                format!("its precondition failed: {message} ({sqlstate})")
            }
        }
    }
}

impl<'a> Run<'a> {
    /// What comes before the body of a step: skipped or marked, it ends there. Errors: its
    /// precondition doesn't hold (55000), or can't be told.
    pub fn prepare(
        &mut self,
        mut batch: Batch<'a>,
        step: &Step,
        ready: Option<Ready>,
        begun: Begun,
    ) -> Result<Prepared<'a>> {
        let ready = match ready {
            Some(ready) => ready,
            None => Ready { text: self.text(&batch, step)?, read: None },
        };
        let mut messages = Vec::new();
        let Act::Up(pending) = &step.act else {
            return Ok(Prepared::Ready(batch, ready, messages));
        };
        let text = &ready.text;
        if let Some(requirement) = self.skipped_requirement(&batch, step.lane, pending)? {
            let reason = format!("requires {requirement} was skipped");
            return self.skip(batch, step, reason, begun).map(Prepared::Ended);
        }
        // One that was begun has met it; by now its own statements may have changed that.
        let asks = !self.is_under_way(step);
        if let Some(script) = text.precondition.as_ref().filter(|_| asks) {
            batch.close()?;
            let answer = self.condition(step, Part::Precondition, script, &mut messages)?;
            batch = self.open()?;
            if let Some(denial) = answer {
                return match text.on_fail {
                    OnFail::Error => return Err(self.not_held(step, denial)),
                    OnFail::Skip => self.skip(batch, step, denial.reason(), begun),
                    OnFail::Mark => self.count(batch, step, pending, denial.reason(), begun),
                }
                .map(Prepared::Ended);
            }
        }
        Ok(Prepared::Ready(batch, ready, messages))
    }

    /// Runs a verify script. Errors: it doesn't hold (55000), or can't be told.
    pub fn verify(
        &self,
        step: &Step,
        text: &StoredScript,
        messages: &mut Vec<String>,
    ) -> Result<()> {
        if let Some(script) = &text.verify
            && let Some(denial) = self.condition(step, Part::Verify, script, messages)?
        {
            return Err(self.not_held(step, denial));
        }
        Ok(())
    }

    /// Runs a precondition or verify script, and takes back what it does. None: it holds.
    /// An error of circumstances is one; other errors are answers.
    fn condition(
        &self,
        step: &Step,
        part: Part,
        script: &str,
        messages: &mut Vec<String>,
    ) -> Result<Option<Denial>> {
        let _taken_back = Subtransaction::begin()?;
        match self.script(step, part, script, None, Keep::LastResult) {
            Ok(mut done) => {
                messages.append(&mut done.messages);
                Ok(condition::denial(&done).map(|gave| Denial::Gave(part, gave)))
            }
            Err(error) if condition::is_answer(&error) => Ok(Some(Denial::Failed(error))),
            Err(error) => Err(error),
        }
    }

    fn not_held(&self, step: &Step, denial: Denial) -> Error {
        match denial {
            Denial::Failed(error) => error,
            Denial::Gave(part, gave) => Error::NotHeld {
                script: self.label(step, part),
                gave,
                hint: match part {
                    Part::Precondition => {
                        "Bring about what the migration expects, or register it with on_fail => 'skip' or 'mark'."
                    }
                    _ => {
                        "Correct the migration, or its verify script, and register it with replace => true."
                    }
                },
            },
        }
    }

    /// What a migration requires that this run has skipped.
    fn skipped_requirement(
        &self,
        batch: &Batch,
        lane: usize,
        pending: &Pending,
    ) -> Result<Option<String>> {
        if self.skipped.is_empty() {
            return Ok(None);
        }
        for requirement in &pending.requires {
            let (lane, key, title) = match requirement {
                Requirement::Within(_) | Requirement::Repeatable(_) => {
                    let Some((key, title)) = requirement.within() else { continue };
                    (lane, key, title)
                }
                Requirement::Other { project, version } => {
                    let Some(lane) = self.lane_of(project) else { continue };
                    (lane, version.key().to_vec(), format!("{project}:{}", version.text()))
                }
                // What would have created it may be what was skipped.
                Requirement::Extension(name) => {
                    if !batch.extensions(View::Newest)?.contains(name) {
                        return Ok(Some(format!("extension {name}, whose creation")));
                    }
                    continue;
                }
            };
            if self.skipped.contains(&(lane, key)) {
                return Ok(Some(format!("{title}, which")));
            }
        }
        Ok(None)
    }

    /// Leaves a migration pending. The history has it once, however often it happens.
    fn skip(
        &mut self,
        batch: Batch<'a>,
        step: &Step,
        reason: String,
        begun: Begun,
    ) -> Result<Ended<'a>> {
        self.skipped.insert((step.lane, step.key().to_vec()));
        let on_record = self.skips_on_record(&batch, step.lane)?;
        if on_record.get(&identity(step.version(), step.name())) != Some(&reason) {
            self.next_seq(step.lane);
            batch.record(&Event { reason: Some(&reason), ..self.event(step, "skip", begun) })?;
        }
        Ok((batch, Direction::Skip, Done::without_statements(reason)))
    }

    /// Counts a migration as applied without running it.
    fn count(
        &mut self,
        batch: Batch<'a>,
        step: &Step,
        pending: &Pending,
        reason: String,
        begun: Begun,
    ) -> Result<Ended<'a>> {
        if let Some(former) = pending.former {
            batch.delete_applied(former)?;
        }
        self.record_failures(&batch, step)?;
        let seq = self.next_seq(step.lane);
        let digest = batch.insert_marked(pending.id, Origin::Mark, self.id(), begun.at, seq)?;
        batch.record(&Event {
            digest: Some(&digest),
            reason: Some(&reason),
            ..self.event(step, "mark_applied", begun)
        })?;
        Ok((batch, Direction::Mark, Done::without_statements(reason)))
    }
}
