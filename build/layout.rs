//! How the written code looks.

/// Puts the header on top and a blank line between items, which the printer leaves out.
pub(super) fn layout(name: &str, code: &str) -> String {
    let mut out = format!("// Compiled from `specs/{name}`. Change the spec, not this file.\n");
    let mut finished = true;
    for line in code.lines() {
        let item = line.trim_start();
        let of_items = line.len() - item.len() <= 4;
        if of_items && finished && starts_item(item) {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
        let comment = item.starts_with("//");
        finished = of_items && !comment && (item.starts_with('}') || item.ends_with(';'));
    }
    out
}

/// Whether an item, its docs or its attributes begin on this line.
fn starts_item(line: &str) -> bool {
    const STARTS: [&str; 12] = [
        "///",
        "//",
        "#[",
        "pub(",
        "pub struct",
        "pub enum",
        "pub fn",
        "pub async",
        "fn ",
        "async fn",
        "impl",
        "mod ",
    ];
    STARTS.iter().any(|start| line.starts_with(start))
}
