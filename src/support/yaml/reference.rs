//! The reference page of a table in Markdown: every object, its keys, what they take and what they mean.
//!
//! Made from the same tables as `check`; `fixture` puts prose around it.

use std::collections::BTreeSet;

use super::shape::{Object, Shape, join};

/// A section for `object` and each object it uses, in order of first use, with headings of `level`.
pub fn reference(object: &'static Object, level: usize, seen: &mut BTreeSet<&'static str>) -> String {
    if !seen.insert(object.name) {
        return String::new();
    }
    let mut out =
        format!("{} {}\n\n{}\n\n| key | takes | meaning |\n| --- | --- | --- |\n", "#".repeat(level), object.name, object.doc);
    for key in object.keys {
        let required = if key.required { " **Required.**" } else { "" };
        out.push_str(&row(&[&format!("`{}`", key.name), &takes(key.shape), &format!("{}{required}", key.doc)]));
    }
    out.push('\n');
    for key in object.keys {
        for inner in objects(key.shape) {
            out.push_str(&reference(inner, level, seen));
        }
    }
    out
}

fn row(cells: &[&str]) -> String {
    // A bar inside a cell would end it.
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// What a shape takes, in words for the page.
fn takes(shape: &Shape) -> String {
    match shape {
        Shape::Word(words) => join(words.words.iter().map(|(word, meaning)| match *meaning {
            "" => format!("`{word}`"),
            meaning => format!("`{word}` ({meaning})"),
        })),
        Shape::Scalar => "a value".to_owned(),
        Shape::Int(least, i64::MAX) => format!("a whole number, at least {least}"),
        Shape::Int(least, most) => format!("a whole number from {least} to {most}"),
        Shape::List(item) | Shape::AnyList(item) => format!("a list: {}", takes(item)),
        Shape::Map(map) => format!("a map, {} → {}", map.key, takes(map.value)),
        Shape::Object(object) => format!("[{0}](#{0})", object.name),
        Shape::Either(shapes) => join(shapes.iter().map(takes)),
        _ => shape.wanted(),
    }
}

/// The objects a shape uses directly.
fn objects(shape: &'static Shape) -> Vec<&'static Object> {
    match shape {
        Shape::Object(object) => vec![object],
        Shape::List(item) | Shape::AnyList(item) => objects(item),
        Shape::Map(map) => objects(map.value),
        Shape::Either(shapes) => shapes.iter().flat_map(objects).collect(),
        _ => Vec::new(),
    }
}
