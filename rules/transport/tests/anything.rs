//! Whatever a stranger publishes, reading it ends well.

use proptest::prelude::*;
use rules_transport::report::ReportJson;
use rules_transport::{Policy, policy_id, report_to};

/// Something that looks like a policy here and there.
fn nearly_a_policy() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("version: STSv1".to_string()),
        Just("mode: enforce".to_string()),
        Just("mode: none".to_string()),
        Just("max_age: 86400".to_string()),
        "mx: [*.a-z0-9-]{0,20}",
        "max_age: [0-9]{0,12}",
        "[ -~]{0,12}",
        "\\PC{0,8}",
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just("")];
    prop::collection::vec((piece, end), 0..12)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
}

proptest! {
    #[test]
    fn a_policy_that_is_read_is_printed_and_read_as_the_same(text in nearly_a_policy()) {
        if let Ok(policy) = Policy::parse(text.as_bytes()) {
            prop_assert_eq!(Policy::parse(policy.print().as_bytes()), Ok(policy));
        }
    }

    #[test]
    fn octets_are_no_harm(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Policy::parse(&octets);
        let _ = ReportJson::parse(&octets);
        let _ = policy_id([&octets[..]]);
        let _ = report_to([&octets[..]]);
    }

    #[test]
    fn records_are_no_harm(rest in "[;=, \\tid.rua%:mailto@/-]{0,60}") {
        let (sts, rpt) = (format!("v=STSv1;{rest}"), format!("v=TLSRPTv1;{rest}"));
        if let Some(id) = policy_id([sts.as_bytes()]) {
            prop_assert!(id.bytes().all(|c| c.is_ascii_alphanumeric()));
        }
        prop_assert!(report_to([rpt.as_bytes()]).len() <= 8);
    }
}
