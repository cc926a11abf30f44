//! How jobs that move mail tell of themselves.

use crate::progress::{Progress, Tell};
use comfy_table::{ContentArrangement, Table, presets};
use core_moving::{Told, Trouble};

/// Hands on how far it is.
pub struct Following(pub Tell);

impl Told for Following {
    fn progress(&self, folder: &str, done: u64, all: Option<u64>) {
        let (what, unit) = (folder.to_string(), "messages".to_string());
        (self.0)(Progress { what, done, all, unit });
    }
}

/// Numbers under their names.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header).add_rows(rows);
    table.trim_fmt()
}

/// Octets as people read them.
pub fn octets(number: u64) -> String {
    for (unit, factor) in [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if number >= factor {
            return format!("{:.1} {unit}", number as f64 / factor as f64);
        }
    }
    format!("{number} B")
}

/// Lines about single messages.
pub fn troubles(title: &str, folder: &str, list: &[Trouble], count: u64) -> String {
    if count == 0 {
        return String::new();
    }
    let mut text = format!("\n{folder}: {count} {title}\n");
    for Trouble { message, why } in list {
        text += &format!("  {message}: {why}\n");
    }
    if count > list.len() as u64 {
        text += &format!("  and {} more\n", count - list.len() as u64);
    }
    text
}
