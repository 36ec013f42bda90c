//! Where requests may go.

use super::*;

const NO_REGIONS: [&str; 22] = [
    "cn-shanghai.evil.com",
    "cn-shanghai.aliyuncs.com@evil.com",
    "a-b@evil",
    "../",
    "cn-shanghai/../..",
    "cn-shanghai/",
    "cn-shanghai#",
    "cn-shanghai?",
    "cn-shanghai:80",
    "CN-SHANGHAI",
    "Cn-shanghai",
    "",
    " cn-shanghai",
    "cn-shanghai ",
    "cn-shanghai\n",
    "cn-shanghai\0",
    "cn_shanghai",
    "cnshanghai",
    "cn--shanghai",
    "-cn-shanghai",
    "cn-shanghaı",
    "cn-shang%68ai",
];

#[tokio::test]
async fn the_region_selects_the_host_and_no_other_host_is_called() {
    let recorder = Recorder::default();
    let client = Client::builder(key()).transport(recorder.clone()).build().unwrap();
    assert_eq!(client.region().as_str(), "cn-shanghai");
    assert_eq!(client.regions().map(Region::as_str).collect::<Vec<_>>(), Region::LISTED);
    for region in Region::LISTED {
        let there = client.with_region(region).unwrap();
        assert_eq!(there.region().as_str(), region);
        call(&there, "stop").await.unwrap();
        ask(&client, "stop", Some(region)).await.unwrap();
        for (url, headers) in recorder.taken() {
            assert_eq!(url, format!("https://ice.{region}.aliyuncs.com/?InstanceId=i1"));
            assert_eq!(headers["host"], format!("ice.{region}.aliyuncs.com"));
            let uri: Uri = url.parse().unwrap();
            let verifier = Verifier::new(key()).schemes([Scheme::Full]);
            verifier.verify(&Method::POST, &uri, &headers, b"").await.unwrap();
        }
        // To another region, and without a region.
        assert_eq!(there.with_region("us-west-1").unwrap().region().as_str(), "us-west-1");
        ask(&there, "stop", None).await.unwrap();
        assert!(recorder.taken()[0].0.contains(region));
    }
    let long = "a-".repeat(50);
    let odd = NO_REGIONS.into_iter().chain([&*long, "cn-chengdu", "cn-shanghai-2"]);
    for region in odd {
        let error = client.with_region(region).unwrap_err();
        let violation = error.violations().unwrap().iter().next().unwrap().clone();
        assert_eq!(violation.pointer(), "/region");
        assert_eq!(violation.allowed(), Region::LISTED.join(", "));
        // A malformed region never reaches an upstream.
        if region.parse::<Region>().is_err() {
            continue;
        }
        for name in CALLS {
            let error = ask(&client, name, Some(region)).await.unwrap_err();
            assert_eq!((error.status(), error.code()), (400, Some("InvalidParameter")), "{name}");
            let message = error.message();
            assert!(message.starts_with("/region: \""), "{message}");
            assert!(message.contains("cn-shanghai, cn-beijing"), "{message}");
            assert!(!message.contains(['\n', '\0']) && message.len() < 250, "{message}");
        }
    }
    let error = client.with_region(&long).unwrap_err().to_string();
    assert!(error.contains(&format!("/region: \"{}\",", "a-".repeat(32))), "{error}");
    assert!(recorder.taken().is_empty(), "something was sent");
}

#[tokio::test]
async fn a_custom_list_of_regions_applies_to_a_custom_base_url_too() {
    let stub = Stub::answering(json_answer("200 OK", "{}")).await;
    let client = builder(&stub)
        .region("cn-chengdu")
        .regions(["cn-beijing", "cn-chengdu", "cn-beijing"])
        .build()
        .unwrap();
    assert_eq!(client.region().as_str(), "cn-chengdu");
    let regions: Vec<_> = client.regions().map(Region::as_str).collect();
    assert_eq!(regions, ["cn-beijing", "cn-chengdu"]);
    ask(&client, "stop", None).await.unwrap();
    ask(&client, "stop", Some("cn-beijing")).await.unwrap();
    for region in ["cn-shanghai", "us-west-1"] {
        let error = ask(&client, "stop", Some(region)).await.unwrap_err();
        assert!(error.message().ends_with("allowed: cn-beijing, cn-chengdu"), "{error}");
    }
    assert_eq!(stub.seen().len(), 2);
    // The path of the base URL is kept.
    let client = builder(&stub).base_url(&format!("{}/ice//", stub.url)).build().unwrap();
    call(&client, "stop").await.unwrap();
    assert_eq!(stub.seen()[2].line, "POST /ice/?InstanceId=i1 HTTP/1.1");
    is_signed(&stub.seen()[2], key()).await;
}

#[tokio::test]
async fn invalid_settings_are_refused_when_the_client_is_built() {
    let build = |change: &dyn Fn(ClientBuilder) -> ClientBuilder| {
        change(Client::builder(key())).build().map(drop).map_err(|error| error.to_string())
    };
    for region in NO_REGIONS {
        let error = build(&|builder| builder.regions(["cn-shanghai", region])).unwrap_err();
        assert!(error.contains("not a region id"), "{error}");
        assert!(build(&|builder| builder.region(region)).is_err(), "{region}");
    }
    assert!(build(&|builder| builder.regions(["cn-beijing"])).unwrap_err().contains("allowed"));
    assert!(build(&|builder| builder.regions(Vec::<String>::new())).is_err());
    for url in [
        "",
        "ice",
        "ftp://ice",
        "mailto:ice",
        "http://h?a=b",
        "http://h#a",
        "http://hunter2@h",
        "http://a:hunter2@h",
    ] {
        let error = build(&|builder| builder.base_url(url)).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
    for key in [Credentials::new("key\n", SECRET), key().with_token("hunter2\n")] {
        let error = Client::builder(key).build().unwrap_err().to_string();
        assert!(error.contains("can't be signed") && !error.contains("hunter2"), "{error}");
    }
    // The secret is not sent in a header.
    Client::builder(Credentials::new(KEY, "\n\0")).build().unwrap();
}

#[tokio::test]
async fn the_regions_share_their_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(Mutex::new(0));
    let counter = count.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            *counter.lock().unwrap() += 1;
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                while stream.read_buf(&mut bytes).await.unwrap_or(0) > 0 {
                    if bytes.ends_with(b"\r\n\r\n") {
                        bytes.clear();
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                        stream.write_all(answer).await.unwrap();
                    }
                }
            });
        }
    });
    let client = Client::builder(key()).base_url(&url).build().unwrap();
    for region in Region::LISTED {
        call(&client.with_region(region).unwrap(), "stop").await.unwrap();
        ask(&client.clone(), "update", Some(region)).await.unwrap();
    }
    assert_eq!(*count.lock().unwrap(), 1);
}
