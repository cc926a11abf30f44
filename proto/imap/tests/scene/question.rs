//! Questions, each in a line.

use proto_imap::ask::{
    Ask, Expunges, Fetch, List, Moving, Numbers, Order, Search, Select, SequenceSet, Store,
    StoreMode, Watching,
};
use std::fmt::Write as _;

/// One line for a question.
pub fn text(ask: &Ask) -> String {
    match ask {
        Ask::Login(proto_sasl::Ask::Password { authcid, authzid, password }) => {
            let password = String::from_utf8_lossy(password.expose());
            let as_whom = if authzid.is_empty() { String::new() } else { format!(" as {authzid}") };
            format!("login {authcid} {password}{as_whom}")
        }
        Ask::Login(proto_sasl::Ask::Keys { authcid }) => format!("keys {authcid}"),
        Ask::Login(proto_sasl::Ask::Proven { authcid, proof, .. }) => {
            format!("proven {authcid} {proof:?}").to_lowercase()
        }
        Ask::Identified(fields) => format!("identified {fields:?}"),
        Ask::List(list) => list_text(list),
        Ask::Status(name) => format!("status {name}"),
        Ask::Create(name, None) => format!("create {name}"),
        Ask::Create(name, Some(special_use)) => format!("create {name} {special_use}"),
        Ask::Delete(name) => format!("delete {name}"),
        Ask::Rename(from, to) => format!("rename {from} to {to}"),
        Ask::Subscribe(name, true) => format!("subscribe {name}"),
        Ask::Subscribe(name, false) => format!("unsubscribe {name}"),
        Ask::Select(select) => select_text(select),
        Ask::Unselect => "unselect".to_string(),
        Ask::Quota => "quota".to_string(),
        Ask::AppendBegin(name) => format!("append to {name}"),
        Ask::AppendMessage { flags, received_at, size } => {
            let at = received_at.map_or(String::new(), |at| format!(" at {}", at.seconds()));
            format!("message of {size} ({flags}){at}")
        }
        Ask::AppendWrite(octets) => format!("write {}", octets.len()),
        Ask::AppendMessageEnd => "message ends".to_string(),
        Ask::AppendCommit => "commit".to_string(),
        Ask::AppendAbort => "abort".to_string(),
        Ask::Fetch(fetch) => fetch_text(fetch),
        Ask::Store(store) => store_text(store),
        Ask::Copy { numbers: n, to, moving: Moving::Stay } => {
            format!("copy {} to {to}", numbers(n))
        }
        Ask::Copy { numbers: n, to, moving: Moving::Leave } => {
            format!("move {} to {to}", numbers(n))
        }
        Ask::Expunge(None) => "expunge".to_string(),
        Ask::Expunge(Some(set)) => format!("expunge {}", numbers(set)),
        Ask::Search(search) => search_text(search),
        Ask::Sync(Expunges::Tell) => "sync".to_string(),
        Ask::Sync(Expunges::HoldBack) => "sync but hold expunges back".to_string(),
        Ask::Watch(Watching::Begin) => "watch".to_string(),
        Ask::Watch(Watching::End) => "watch no longer".to_string(),
    }
}

fn list_text(list: &List) -> String {
    let mut text = format!("list {:?} {:?}", list.reference, list.patterns);
    for (is_set, word) in [
        (list.lsub, " lsub"),
        (list.select_subscribed, " subscribed"),
        (list.select_recursive, " recursive"),
        (list.select_special_use, " special-use"),
        (list.return_status, " with status"),
    ] {
        text.push_str(if is_set { word } else { "" });
    }
    text
}

fn select_text(select: &Select) -> String {
    let verb = if select.read_only { "examine" } else { "select" };
    let mut text = format!("{verb} {}", select.name);
    if let Some(q) = &select.qresync {
        let _ = write!(text, " knows {} {}", q.uid_validity, q.modseq);
        if let Some(uids) = &q.known_uids {
            let _ = write!(text, " uids {uids}");
        }
        if let Some((numbers, uids)) = &q.seq_match {
            let _ = write!(text, " numbers {numbers} are {uids}");
        }
    }
    text
}

fn fetch_text(fetch: &Fetch) -> String {
    let mut text = format!("fetch {}", numbers(&fetch.numbers));
    for (is_set, word) in [
        (fetch.items.envelope, " envelope"),
        (fetch.items.structure, " structure"),
        (fetch.items.set_seen, " set-seen"),
        (fetch.vanished, " vanished"),
    ] {
        text.push_str(if is_set { word } else { "" });
    }
    for section in &fetch.items.sections {
        let part: Vec<String> = section.part.iter().map(u32::to_string).collect();
        let _ =
            write!(text, " {}[{}]", format!("{:?}", section.text).to_lowercase(), part.join("."));
        if let Some((offset, count)) = section.partial {
            let _ = write!(text, "<{offset}.{count}>");
        }
    }
    if let Some(since) = fetch.changed_since {
        let _ = write!(text, " since {since}");
    }
    if let Some(cursor) = fetch.cursor {
        let _ = write!(text, " from {}", cursor.0);
    }
    text
}

fn store_text(store: &Store) -> String {
    let sign = match store.mode {
        StoreMode::Set => "",
        StoreMode::Add => "+",
        StoreMode::Remove => "-",
    };
    let mut text = format!("store {} {sign}({})", numbers(&store.numbers), store.flags);
    if let Some(since) = store.unchanged_since {
        let _ = write!(text, " unchanged since {since}");
    }
    text
}

fn search_text(search: &Search) -> String {
    let mut text = format!("search {:?}", search.key);
    match &search.order {
        Order::Mailbox => {}
        Order::Sort(keys) => {
            for key in keys {
                let _ =
                    write!(text, " by {}{:?}", if key.reverse { "reverse " } else { "" }, key.by);
            }
        }
        Order::Thread(algorithm) => {
            let _ = write!(text, " threads {algorithm:?}");
        }
    }
    text.push_str(if search.uid { " as UIDs" } else { "" });
    text.push_str(if search.save { " and save" } else { "" });
    text
}

fn numbers(numbers: &Numbers) -> String {
    match numbers {
        Numbers::Seq(set) => set_text(set),
        Numbers::Uid(set) => format!("uid {}", set_text(set)),
        Numbers::Saved => "$".to_string(),
    }
}

fn set_text(set: &SequenceSet) -> String {
    let end = |n: &Option<u32>| n.map_or("*".to_string(), |n| n.to_string());
    let range = |(a, b): &(Option<u32>, Option<u32>)| match a == b {
        true => end(a),
        false => format!("{}:{}", end(a), end(b)),
    };
    set.iter().map(range).collect::<Vec<_>>().join(",")
}
