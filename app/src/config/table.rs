//! Sections of the configuration: each key is declared once, with its meaning, type and default,
//! and everything else (reading, showing, the commented file, the documentation) comes from that.

use super::reading::{Item, Reading};
use serde_json::Value as Json;

/// A section.
pub trait Table: Clone + Default + PartialEq {
    /// Its keys and what else may stand in it.
    const NAMES: &'static [&'static str];

    /// Takes the value of one of [`Table::NAMES`].
    fn set(&mut self, name: &str, item: &Item<'_>, reading: &mut Reading, sections: &[Section]);

    /// Adds itself, and what stands in it, to `sections`.
    fn describe(path: &str, form: Form, sections: &mut Vec<Section>);

    /// Adds its present values to `values`.
    fn values(&self, path: &str, values: &mut Vec<Present>);
}

/// How a section is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The part of the file before the first section.
    Top,
    /// `[name]`
    Once,
    /// `[[name]]`, as often as wanted.
    Each,
}

/// A section, as people read about it.
#[derive(Debug)]
pub struct Section {
    /// Its name, as in `limits`.
    pub path: String,
    /// How it is written.
    pub form: Form,
    /// What it is for.
    pub about: &'static str,
    /// What may stand in it.
    pub keys: Vec<Key>,
}

impl Section {
    /// The line that begins it.
    pub fn header(&self) -> String {
        match self.form {
            Form::Top => String::new(),
            Form::Once => format!("[{}]", self.path),
            Form::Each => format!("[[{}]]", self.path),
        }
    }

    /// Is `path`, as in `listener[0]`, this section?
    pub fn is_at(&self, path: &str) -> bool {
        path.split('[').next() == Some(&self.path)
    }
}

/// When a changed value is heeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At SIGHUP.
    Live,
    /// When the server starts.
    Restart,
}

/// A key, as people read about it.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name in its section.
    pub name: &'static str,
    /// What it means.
    pub meaning: String,
    /// What its value must be.
    pub kind: String,
    /// The value it has if the file does not say; `null` for none.
    pub default: Json,
    /// What might be written, if there is no default.
    pub example: Json,
    /// What it means to have none.
    pub unset: &'static str,
    /// When a change is heeded.
    pub when: When,
}

/// A key's present value.
#[derive(Clone, Debug, PartialEq)]
pub struct Present {
    /// The section, as in `listener[0]`.
    pub section: String,
    /// The key in it.
    pub name: &'static str,
    /// Its value; `null` for none.
    pub value: Json,
}

/// The doc comments of a key as one line of text.
pub fn meaning(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// Declares a section: for each key its meaning, when a change is heeded (`live`: at SIGHUP;
/// `restart`: when the server starts), name, type, default and, if there may be no value, what
/// that means.
macro_rules! table {
    (
        #[doc = $about:literal]
        pub struct $Table:ident {
            keys { $(
                $(#[doc = $meaning:literal])+
                $when:ident $name:ident: $Type:ty = $default:expr $(, $unset:literal)?;
            )* }
            tables { $( $table:ident: $Inner:ty; )* }
            lists { $( $list:ident: $Each:ty; )* }
        }
    ) => {
        #[doc = $about]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $Table {
            $( $(#[doc = $meaning])+ pub $name: $Type, )*
            $( #[doc = concat!("Section `[", stringify!($table), "]`.")] pub $table: $Inner, )*
            $( #[doc = concat!("Sections `[[", stringify!($list), "]]`.")] pub $list: Vec<$Each>, )*
        }

        impl Default for $Table {
            fn default() -> $Table {
                $Table {
                    $( $name: $default, )*
                    $( $table: <$Inner>::default(), )*
                    $( $list: Vec::new(), )*
                }
            }
        }

        impl $crate::config::table::Table for $Table {
            const NAMES: &'static [&'static str] = &[
                $( stringify!($name), )* $( stringify!($table), )* $( stringify!($list), )*
            ];

            #[allow(unused_variables)] // Not each has sections in it.
            fn set(
                &mut self,
                name: &str,
                item: &$crate::config::reading::Item<'_>,
                reading: &mut $crate::config::reading::Reading,
                sections: &[$crate::config::table::Section],
            ) {
                $( if name == stringify!($name) {
                    if let Some(value) = $crate::config::value::Value::read(item, reading) {
                        self.$name = value;
                    }
                } )*
                $( if name == stringify!($table) {
                    reading.section(&mut self.$table, item, sections);
                } )*
                $( if name == stringify!($list) {
                    self.$list = reading.sections(item, sections);
                } )*
            }

            fn describe(
                path: &str,
                form: $crate::config::table::Form,
                sections: &mut Vec<$crate::config::table::Section>,
            ) {
                use $crate::config::{table, value::Value};
                let default = $Table::default();
                let keys = vec![ $( table::Key {
                    name: stringify!($name),
                    meaning: table::meaning(&[$($meaning),+]),
                    kind: <$Type as Value>::kind(),
                    default: default.$name.write(),
                    example: <$Type as Value>::example(),
                    unset: concat!("" $(, $unset)?),
                    when: table!(@when $when),
                }, )* ];
                let about = $about.trim_ascii();
                sections.push(table::Section { path: path.to_string(), form, about, keys });
                $( <$Inner as table::Table>::describe(
                    &$crate::config::reading::join(path, stringify!($table)),
                    table::Form::Once,
                    sections,
                ); )*
                $( <$Each as table::Table>::describe(
                    &$crate::config::reading::join(path, stringify!($list)),
                    table::Form::Each,
                    sections,
                ); )*
            }

            fn values(&self, path: &str, values: &mut Vec<$crate::config::table::Present>) {
                use $crate::config::{table, value::Value};
                $( values.push(table::Present {
                    section: path.to_string(),
                    name: stringify!($name),
                    value: self.$name.write(),
                }); )*
                $( table::Table::values(&self.$table, &$crate::config::reading::join(path, stringify!($table)), values); )*
                $( for (index, each) in self.$list.iter().enumerate() {
                    let path = format!("{}[{index}]", $crate::config::reading::join(path, stringify!($list)));
                    table::Table::values(each, &path, values);
                } )*
            }
        }
    };
    (@when live) => { $crate::config::table::When::Live };
    (@when restart) => { $crate::config::table::When::Restart };
}
pub(super) use table;
