//! Sizes and numbers as people write them.

/// Most of something; `None` for no limit.
pub type Limit = Option<u64>;

/// Reads `none`, a number, or a number with K, M, G or T (of 1024), as in `5G` or `512MiB`.
pub fn limit(text: &str) -> Result<Limit, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[digits.len()..].to_ascii_uppercase();
    let factor: u64 = match unit.as_str() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        "T" | "TB" | "TIB" => 1 << 40,
        _ => return Err("expected a number, with K, M, G or T if wanted, or \"none\"".to_string()),
    };
    let number: u64 = digits.parse().map_err(|_| "expected a number, as in 5G".to_string())?;
    number.checked_mul(factor).map(Some).ok_or_else(|| "expected a smaller number".to_string())
}

/// The shortest exact spelling.
pub fn show(limit: Limit) -> String {
    let Some(number) = limit else { return "none".to_string() };
    for (unit, factor) in [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1_u64 << 10)] {
        if number > 0 && number % factor == 0 {
            return format!("{}{unit}", number / factor);
        }
    }
    number.to_string()
}

/// About so much, for people.
pub fn round(number: u64) -> String {
    for (unit, factor) in [("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1_u64 << 10)] {
        if number >= factor {
            return format!("{:.1} {unit}", number as f64 / factor as f64);
        }
    }
    format!("{number} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_back() {
        for (text, number, shown) in [
            ("5G", Some(5 << 30), "5G"),
            ("512MiB", Some(512 << 20), "512M"),
            ("1024k", Some(1 << 20), "1M"),
            ("1000", Some(1000), "1000"),
            ("0", Some(0), "0"),
            ("none", None, "none"),
        ] {
            assert_eq!(limit(text), Ok(number), "{text}");
            assert_eq!(show(number), shown);
            assert_eq!(limit(shown), Ok(number));
        }
        for text in ["", "G", "5X", "-1", "1.5G", "99999999999T"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }
}
