//! In which language a person is told.

/// A language that reports are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Spanish.
    Spanish,
    /// Catalan.
    Catalan,
}

/// Languages of a list that are looked at.
const TAGS_MAX: usize = 20;

impl Language {
    /// The code of ISO 639-1.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Spanish => "es",
            Language::Catalan => "ca",
        }
    }

    /// The first language in the value of `Accept-Language`, `Content-Language` (RFC 3282) or a
    /// configuration that reports are written in: `es-ES, en;q=0.5`. Weights are not looked at: the
    /// best comes first in practice.
    ///
    /// ```
    /// # use words_report::Language;
    /// assert_eq!(Language::of_list("eu, ca-ES;q=0.8, es"), Some(Language::Catalan));
    /// assert_eq!(Language::of_list("fi"), None);
    /// ```
    pub fn of_list(list: &str) -> Option<Language> {
        list.split(',').take(TAGS_MAX).find_map(|tag| {
            let primary = tag.split(['-', '_', ';']).next()?.trim();
            let all = [Language::English, Language::Spanish, Language::Catalan];
            all.into_iter().find(|language| primary.eq_ignore_ascii_case(language.code()))
        })
    }
}
