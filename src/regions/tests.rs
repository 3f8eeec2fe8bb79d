use super::*;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn three() -> Map {
    Map::new(&names(&["us-east1", "europe-west1", "asia-east1"])).unwrap()
}

#[test]
fn an_endpoints_name_tells_the_region() {
    let map = three();
    for (host, region) in [
        ("europe-west1-pubsub.googleapis.com", "europe-west1"),
        ("europe-west1-pubsub.localhost:8085", "europe-west1"),
        ("EUROPE-WEST1-PubSub.localhost", "europe-west1"),
        ("asia-east1-pubsub", "asia-east1"),
        ("pubsub.asia-east1.rep.googleapis.com:443", "asia-east1"),
        ("pubsub.googleapis.com", "us-east1"),
        ("localhost:8085", "us-east1"),
        ("127.0.0.1:8085", "us-east1"),
        ("[::1]:8085", "us-east1"),
        ("my-pubsub:8085", "us-east1"),
        ("-pubsub", "us-east1"),
        ("pubsub", "us-east1"),
        ("\u{fc}-pubsub", "us-east1"),
        ("", "us-east1"),
    ] {
        assert_eq!(region_of(&map, Some(host)), Ok(region), "{host}");
    }
    assert_eq!(region_of(&map, None), Ok("us-east1"));
    for host in [
        "europe-west3-pubsub.googleapis.com",
        "pubsub.europe-west3.rep.googleapis.com",
    ] {
        let unknown = NoSuchRegion("europe-west3".to_owned());
        assert_eq!(region_of(&map, Some(host)), Err(unknown), "{host}");
    }
}

#[test]
fn what_lies_between_two_is_the_same_both_ways_and_nothing_lies_within_one() {
    let mut map = three();
    let pair = names(&["europe-west1", "us-east1"]);
    map.set_latency(&pair, 80).unwrap();
    map.cut(&pair).unwrap();
    let cut = Link {
        latency_ms: 80,
        is_cut: true,
    };
    assert_eq!(map.between("us-east1", "europe-west1"), cut);
    assert_eq!(map.between("europe-west1", "us-east1"), cut);
    for (one, other) in [
        ("us-east1", "us-east1"),
        ("asia-east1", "us-east1"),
        ("nowhere", "us-east1"),
    ] {
        assert_eq!(map.between(one, other), Link::default(), "{one} {other}");
    }
    assert_eq!(map.links().count(), 1);
    map.heal(&[]).unwrap();
    let healed = map.between("us-east1", "europe-west1");
    assert_eq!((healed.latency_ms, healed.is_cut), (80, false));
    map.set_latency(&pair, 0).unwrap();
    assert_eq!(map, three());
}

#[test]
fn one_is_cut_off_from_all_others() {
    let mut map = three();
    map.cut(&names(&["europe-west1"])).unwrap();
    let cut = |map: &Map, one, other| map.between(one, other).is_cut;
    assert!(cut(&map, "europe-west1", "us-east1") && cut(&map, "asia-east1", "europe-west1"));
    assert!(!cut(&map, "asia-east1", "us-east1"));
    map.heal(&names(&["us-east1", "europe-west1"])).unwrap();
    assert!(!cut(&map, "europe-west1", "us-east1") && cut(&map, "asia-east1", "europe-west1"));
    map.heal(&names(&["europe-west1"])).unwrap();
    assert_eq!(map, three());
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    for wrong in [
        vec![],
        names(&["a", "a"]),
        names(&["a b"]),
        (0..=REGIONS_MAX).map(|n| format!("r{n}")).collect(),
    ] {
        assert!(Map::new(&wrong).is_err(), "{wrong:?}");
    }
    let mut map = three();
    for wrong in [
        names(&["us-east1", "us-east1"]),
        names(&["us-east1", "nowhere"]),
        names(&["us-east1", "europe-west1", "asia-east1"]),
    ] {
        assert!(map.cut(&wrong).is_err(), "{wrong:?}");
        assert!(map.set_latency(&wrong, 1).is_err(), "{wrong:?}");
    }
    assert!(map.cut(&[]).is_err());
    assert!(map.set_latency(&names(&["us-east1"]), 1).is_err());
    let pair = names(&["us-east1", "asia-east1"]);
    assert!(map.set_latency(&pair, LATENCY_MS_MAX + 1).is_err());
    assert_eq!(map, three());
    let error = map.cut(&names(&["europe-west2"])).unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no region \"europe-west2\"; there are us-east1, europe-west1, asia-east1"
    );
}

#[test]
fn a_latency_is_two_regions_and_ms() {
    let read = read_latency("a:b=80").unwrap();
    assert_eq!(read, (["a".to_owned(), "b".to_owned()], 80));
    for wrong in [
        "",
        "a:b",
        "a=80",
        "a:b=x",
        "a:b=-1",
        "a:=1",
        "a:b:c=1",
        "a:b=60001",
    ] {
        assert!(read_latency(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_change_is_whole_or_none_and_a_new_beginning_takes_it_back() {
    let regions = Regions::default();
    assert_eq!(regions.change(|_| Ok(())), Err(MapError::off()));
    let pair = names(&["us-east1", "asia-east1"]);
    regions.start_with(three());
    let half = regions.change(|map| {
        map.cut(&pair)?;
        map.cut(&names(&["nowhere"]))
    });
    assert!(half.is_err() && regions.are_as_started());
    regions.change(|map| map.cut(&pair)).unwrap();
    assert!(!regions.are_as_started());
    assert!(regions.way("asia-east1", "us-east1").is_whole().is_err());
    assert!(regions.begin_anew() && !regions.begin_anew());
    assert!(regions.way("asia-east1", "us-east1").is_whole().is_ok());
}
