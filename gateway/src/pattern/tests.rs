use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::new(&text.into(), Anchor::Start).expect("valid")
}

fn matches(text: &str, haystack: &str) -> bool {
    pattern(text).is_match(haystack.as_bytes()).expect("within the limit")
}

#[test]
fn matches_as_a_location_of_ingress_nginx() {
    for (text, matching, other) in [
        ("/id/[0-9]+", "/id/123a", "/id/aaa"),
        ("/id/[0-9]+$", "/id/1", "/id/123a"),
        ("/id/[0-9]{3}$", "/id/123", "/id/9999"),
        ("/foo", "/FOObar", "/x/foo"),
        (r"/a\.b", "/a.b", "/axb"),
        ("/(a|b)/x", "/A/x", "/c/x"),
        (r"/\d", "/1", "/\u{0661}"),
        ("/a.c", "/a\u{7f}c", "/a\nc"),
        ("/x|/y", "/z/y", "/z/x"),
        (r"\/api\/v1", "/API/v1/x", "/api"),
        ("/{id}", "/{ID}", "/1"),
        ("", "/", "no such"),
    ] {
        assert!(matches(text, matching), "{text} {matching}");
        assert!(!matches(text, other) || text.is_empty(), "{text} {other}");
    }
}

#[test]
fn chooses_the_cheapest_engine() {
    for (text, class) in [
        ("/foo", PatternClass::Literal),
        (r"\/foo\.html", PatternClass::Literal),
        ("/foo(/|$)(.*)", PatternClass::Linear),
        ("/(?!api)", PatternClass::Backtracking),
        ("/a++b", PatternClass::Backtracking),
    ] {
        assert_eq!(Pattern::check(text), Ok(class), "{text}");
    }
}

#[test]
fn backtracking_is_bytes_and_ascii_too() {
    assert!(matches("/(?!api)", "/shop") && !matches("/(?!api)", "/API/x"));
    assert!(matches(r"/(a|b)/\1$", "/b/B") && !matches(r"/(a|b)/\1$", "/b/a"));
    assert!(matches("/a*+b", "/aab") && !matches("/a*+a", "/aa"));
    assert!(matches(r"/(?=[\w-.])", "/-") && !matches(r"/(?=\w)", "/\u{e9}"));
    assert_eq!(pattern("/(?!api).").is_match(b"/\xff"), Ok(true));
}

#[test]
fn too_many_steps_are_an_error() {
    let hostile = pattern(r"/(?=(a|a)*\1b)(?:a|a|ab)*\1$");
    assert_eq!(hostile.is_match(format!("/{}", "a".repeat(64)).as_bytes()), Err(PatternLimit));
    let long = format!("/{}", "a".repeat(4096));
    assert_eq!(pattern("/(?!x)").is_match(long.as_bytes()), Err(PatternLimit));
    assert_eq!(pattern("/(a|a)*b").is_match(long.as_bytes()), Ok(false));
}

#[test]
fn a_look_around_at_every_byte_of_a_path_is_not_too_much() {
    let path = format!("/{}", "a".repeat(BACKTRACKING_HAYSTACK_LIMIT - 1));
    for text in ["/((?!admin).)*$", "/(?!api/)(?:(?!\\.php)[^?])+$", r"/(?!.*\.(js|css)$).*"] {
        assert!(matches(text, &path), "{text}");
    }
}

#[test]
fn what_a_match_may_cost_is_bounded() {
    let hostile = pattern("/([a-z]*.{1,400}){1,20}y$");
    assert_eq!(hostile.is_match(format!("/{}", "a".repeat(7800)).as_bytes()), Err(PatternLimit));
    assert_eq!(hostile.groups(format!("/{}", "a".repeat(7800)).as_bytes()), Err(PatternLimit));
    assert_eq!(hostile.is_match(b"/any"), Ok(true));
    assert_eq!(hostile.is_match("other".repeat(1000).as_bytes()), Ok(false), "its prefix is asked first");
    let usual = pattern("/api/v[0-9]+/(users|orders)/[0-9a-f]{8}(/|$)(.*)");
    let path = |prefix: &str| format!("{prefix}{}", "a".repeat(8000)).into_bytes();
    assert_eq!(usual.is_match(&path("/api/v1/users/0123abcd/")), Ok(true));
    let mut budget = MatchBudget::default();
    let tried: Vec<_> = (0..1000).map(|_| usual.is_match_within(&path("/api/v"), &mut budget)).collect();
    assert_eq!((tried[0], tried[999]), (Ok(false), Err(PatternLimit)));
}

#[test]
fn groups_are_numbered() {
    let groups = pattern("/something(/|$)(.*)").groups(b"/Something/new").expect("linear").expect("match");
    assert_eq!(groups[..4], [&b"/Something/new"[..], b"/", b"new", b""]);
    let groups = pattern(r"/(?!api)(\w)").groups(b"/shop").expect("quick").expect("match");
    assert_eq!(groups[..3], [&b"/s"[..], b"s", b""]);
    assert_eq!(pattern("/foo").groups(b"/FOOBAR").expect("literal").expect("match")[0], b"/FOO");
    assert_eq!(pattern("/foo").groups(b"/x"), Ok(None));
    let anywhere = Pattern::new(&"b".into(), Anchor::Anywhere).expect("valid");
    assert_eq!(anywhere.groups(b"/aBc").expect("literal").expect("match")[0], b"B");
}

#[test]
fn refuses_with_a_reason_in_one_line() {
    assert_eq!(Pattern::check("/foo("), Err(PatternError::Syntax("unclosed group".into())));
    assert_eq!(Pattern::check(&format!("/{}", "(a{999}){999}")), Err(PatternError::TooLarge));
    assert_eq!(Pattern::check(r"/\h"), Err(PatternError::Unsupported(r"\h".into())));
    for text in ["/(?=a", r"/\k<nope>", "/(*+)", r"/\1", &"(".repeat(5000)] {
        let error = Pattern::check(text).expect_err("invalid").to_string();
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn hostile_nesting_is_refused_without_harm() {
    for text in [
        format!("{}a{}", "(?=".repeat(1000), ")".repeat(1000)),
        format!("a++{}", "{9}".repeat(1000)),
        // The engine would take a billion steps without going back once.
        "(?:(?:(?=a)()){999}){999}b".to_owned(),
    ] {
        assert!(Pattern::check(&text).is_err(), "{text}");
    }
    assert_eq!(Pattern::check("/(?!x)([0-9a-f]{4}-){4}[0-9a-f]{12}"), Ok(PatternClass::Backtracking));
}
