//! XML. It is read event by event, without recursion.

use super::super::limits;
use super::super::{File, Problem};
use super::element::Element;
use crate::domain::halt;
use crate::domain::script::line_at;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// The number of attributes of an element.
const MAX_ATTRIBUTES: usize = 100;

/// Reads a document. None: it holds no element.
pub fn read(file: &File) -> Result<Option<Element>, Problem> {
    halt::work(file.text.len());
    let mut reader = Reader::from_str(file.text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let (mut at, mut line) = (0, 1);
    loop {
        let start = usize::try_from(reader.buffer_position()).unwrap_or(at);
        line += line_at(&file.text[at..start], start - at) - 1;
        at = start;
        halt::work(halt::STEP);
        let event = reader.read_event().map_err(|why| invalid(file, line, &why.to_string()))?;
        match event {
            Event::Start(tag) => {
                if open.len() >= limits::MAX_DEPTH {
                    return Err(too_deep(file, line));
                }
                open.push(element(file, &tag, line)?);
            }
            Event::Empty(tag) => {
                let element = element(file, &tag, line)?;
                close(element, &mut open, &mut root);
            }
            Event::End(_) => {
                if let Some(element) = open.pop() {
                    close(element, &mut open, &mut root);
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    match open.pop() {
        None => Ok(root),
        Some(element) => {
            let why = format!("element {} is not closed", element.name);
            Err(invalid(file, element.line, &why))
        }
    }
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => {
            root.get_or_insert(element);
        }
    }
}

fn element(file: &File, tag: &BytesStart, line: usize) -> Result<Element, Problem> {
    let name = tag.local_name().as_ref().to_owned();
    let mut element = Element { name, line, ..Element::default() };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|why| invalid(file, line, &why.to_string()))?;
        if element.attributes.len() >= MAX_ATTRIBUTES {
            let message =
                format!("element {} has more than {MAX_ATTRIBUTES} attributes", element.name);
            let hint = "Remove those that are not needed.";
            return Err(Problem { line: Some(line), ..Problem::beyond(file.path, message, hint) });
        }
        let key: &str = attribute.key.as_ref();
        // Namespaces and schemas.
        if key == "xmlns" || key.contains(':') {
            continue;
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|why| invalid(file, line, &why.to_string()))?;
        element.attributes.push((key.to_owned(), value.into_owned()));
    }
    Ok(element)
}

fn invalid(file: &File, line: usize, why: &str) -> Problem {
    let message = format!("it is not valid XML: {why}");
    Problem::at(file.path, line, message, "Correct it.")
}

fn too_deep(file: &File, line: usize) -> Problem {
    let message = format!("elements are nested more than {} deep", limits::MAX_DEPTH);
    let hint = "Write it with less nesting.";
    Problem::at(file.path, line, message, hint)
}
