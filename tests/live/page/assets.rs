//! Style, script and picture: kept by browsers until they change.

use reqwest::Method;

use crate::page::scene::Scene;

/// The addresses of everything that a page loads.
fn loaded(page: &str) -> Vec<String> {
    let of = |attribute: &str| -> Vec<String> {
        let parts = page.split(attribute).skip(1);
        parts
            .filter_map(|rest| rest.split_once('"').map(|(address, _)| address.to_owned()))
            .collect()
    };
    let all = of("href=\"").into_iter().chain(of("src=\""));
    all.filter(|address| address.contains("assets/")).collect()
}

#[tokio::test]
async fn each_has_an_address_of_its_own_version() {
    let scene = Scene::usual().await;
    let addresses = loaded(&scene.page("/").await);
    assert_eq!(addresses.len(), 3, "{addresses:?}");
    for address in addresses {
        let path = format!("/{address}");
        let answer = scene.daemon.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("cache-control").contains("immutable"), "{answer:?}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let tag = answer.header("etag").to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
            let again = scene.daemon.ask(Method::GET, &path, &[("if-none-match", &known)]).await;
            assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{path} {known}");
        }
        let other = scene.daemon.ask(Method::GET, &path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(other.status, 200);
        // Of another version, or of none, it may be asked for again tomorrow.
        let (plain, _) = path.split_once('?').unwrap();
        for path in [plain.to_owned(), format!("{plain}?v=0")] {
            assert_eq!(scene.daemon.get(&path).await.header("cache-control"), "no-cache");
        }
    }
    assert_eq!(scene.daemon.get("/assets/page.rs").await.status, 404);
}
