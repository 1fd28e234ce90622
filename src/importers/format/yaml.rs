//! YAML, and JSON as a part of it. It is read event by event, without recursion.
//!
//! Aliases are refused, since their values could be repeated without limit.

use super::super::limits;
use super::super::{File, Problem};
use super::element::Element;
use crate::domain::halt;
use saphyr_parser::{Event, Parser};

/// A node whose end has not been reached.
enum Open {
    /// A list of elements, which belong to the enclosing element.
    List,
    /// A mapping, with the last key that was read and its line.
    Map(Option<(String, usize)>),
    /// An element whose value is a mapping or a list.
    Element(Element),
}

/// Reads a document. A key is an element; keys with plain values in it are its attributes. None:
/// the document is empty.
pub fn read(file: &File) -> Result<Option<Element>, Problem> {
    halt::work(file.text.len());
    let mut root = Element { line: 1, ..Element::default() };
    let mut open: Vec<Open> = Vec::new();
    let mut documents = 0;
    for read in Parser::new_from_str(file.text) {
        let (event, span) = read.map_err(|why| {
            let message = format!("it is not valid YAML: {}", why.info());
            Problem::at(file.path, why.marker().line(), message, "Correct it.")
        })?;
        let line = span.start.line();
        let bytes = span.end.index().saturating_sub(span.start.index());
        halt::work(bytes + halt::STEP);
        if open.len() > 2 * limits::MAX_DEPTH {
            let message =
                format!("lists and mappings are nested more than {} deep", limits::MAX_DEPTH);
            let hint = "Write it with less nesting.";
            return Err(Problem::at(file.path, line, message, hint));
        }
        match event {
            Event::DocumentStart(_) if documents > 0 => {
                let message = "a second document begins here, which is not read";
                return Err(Problem::at(file.path, line, message, "Remove it."));
            }
            Event::DocumentStart(_) => documents += 1,
            Event::Alias(_) => {
                let message = "aliases are not supported";
                let hint = "Write the value that the alias stands for.";
                return Err(Problem::at(file.path, line, message, hint));
            }
            Event::Scalar(value, ..) => scalar(&value, line, &mut open, &mut root),
            Event::SequenceStart(..) => begin(Open::List, line, &mut open),
            Event::MappingStart(..) => begin(Open::Map(None), line, &mut open),
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
                if let Some(Open::Element(_)) = open.last()
                    && let Some(Open::Element(element)) = open.pop()
                {
                    parent(&mut open, &mut root).children.push(element);
                }
            }
            _ => {}
        }
    }
    Ok(Some(root).filter(|root| !root.children.is_empty() || !root.attributes.is_empty()))
}

/// Begins a list or mapping, which is the value of the key before it if there is one.
fn begin(inner: Open, line: usize, open: &mut Vec<Open>) {
    if let Some(Open::Map(key)) = open.last_mut() {
        let (name, line) = key.take().unwrap_or((String::new(), line));
        open.push(Open::Element(Element { name, line, ..Element::default() }));
    }
    open.push(inner);
}

fn scalar(value: &str, line: usize, open: &mut [Open], root: &mut Element) {
    match open.last_mut() {
        Some(Open::Map(key @ None)) => *key = Some((value.to_owned(), line)),
        Some(Open::Map(key)) => {
            let (name, at) = key.take().unwrap_or_default();
            let is_in_list = matches!(open, [.., Open::List, Open::Map(_)]);
            let parent = parent(open, root);
            if is_in_list {
                let attributes = vec![("value".to_owned(), value.to_owned())];
                parent.children.push(Element { name, line: at, attributes, ..Element::default() });
            } else {
                parent.attributes.push((name, value.to_owned()));
            }
        }
        _ => {
            let attributes = vec![("value".to_owned(), value.to_owned())];
            let element = Element { line, attributes, ..Element::default() };
            parent(open, root).children.push(element);
        }
    }
}

/// The innermost open element.
fn parent<'a>(open: &'a mut [Open], root: &'a mut Element) -> &'a mut Element {
    let inner = open.iter_mut().rev().find_map(|open| match open {
        Open::Element(element) => Some(element),
        _ => None,
    });
    inner.unwrap_or(root)
}
