//! The Kubernetes manifests against the Dockerfile, the configuration format and each other.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test

use std::path::Path;

use llm_prober::config::Config;
use serde_json::Value;

const DOCKERFILE: &str = include_str!("../../Dockerfile");

fn documents(text: &str) -> Vec<Value> {
    serde_yaml::from_multiple(text).unwrap()
}

/// The manifest of a kind, among those that `kubectl apply` gets.
fn manifest(kind: &str) -> Value {
    let text = include_str!("../../config/kubernetes/llm-prober.yml");
    let of_kind = documents(text).into_iter().find(|document| document["kind"] == kind);
    of_kind.unwrap_or_else(|| panic!("no {kind}"))
}

fn service_monitor() -> Value {
    documents(include_str!("../../config/kubernetes/service-monitor.yml")).remove(0)
}

fn pod() -> Value {
    manifest("Deployment").pointer("/spec/template/spec").unwrap().clone()
}

fn container() -> Value {
    let containers = pod()["containers"].as_array().unwrap().clone();
    let [container] = &containers[..] else { panic!("one container: {containers:?}") };
    container.clone()
}

/// The JSON array or the words of the last instruction of one name.
fn instruction(name: &str) -> String {
    let mut lines = DOCKERFILE.lines().filter_map(|line| line.strip_prefix(name));
    lines.next_back().unwrap_or_else(|| panic!("no {name}")).trim().to_owned()
}

#[test]
fn the_container_starts_as_the_image_does() {
    let command: Value = serde_json::from_str(&instruction("CMD ")).unwrap();
    assert_eq!(container()["args"], command);
    let user = instruction("USER ");
    let context = &pod()["securityContext"];
    assert_eq!(format!("{}:{}", context["runAsUser"], context["runAsGroup"]), user);
    let image = format!("llm-prober:{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(container()["image"], image);
}

#[test]
fn every_port_is_the_image_s() {
    let port: u64 = instruction("EXPOSE ").parse().unwrap();
    let container = container();
    let named = &container["ports"][0];
    assert_eq!((&named["name"], named["containerPort"].as_u64()), (&"http".into(), Some(port)));
    let service = manifest("Service");
    let of_service = &service["spec"]["ports"][0];
    assert_eq!(of_service["port"].as_u64(), Some(port));
    // Who scrapes is the ServiceMonitor alone, and the comment says how else.
    assert_eq!(service["metadata"]["annotations"], Value::Null);
    let manifests = include_str!("../../config/kubernetes/llm-prober.yml");
    assert!(manifests.contains(&format!("prometheus.io/port: \"{port}\"")));
    let admitted = manifest("NetworkPolicy");
    for reference in [
        &of_service["targetPort"],
        &container["livenessProbe"]["httpGet"]["port"],
        &container["readinessProbe"]["httpGet"]["port"],
        &container["startupProbe"]["httpGet"]["port"],
        &admitted["spec"]["ingress"][0]["ports"][0]["port"],
        &service_monitor()["spec"]["endpoints"][0]["port"],
    ] {
        assert_eq!(*reference, "http");
    }
    assert_eq!(of_service["name"], "http");
}

#[test]
fn selectors_find_their_labels() {
    let (deployment, service) = (manifest("Deployment"), manifest("Service"));
    let of_pods = deployment.pointer("/spec/template/metadata/labels").unwrap();
    assert_eq!(deployment.pointer("/spec/selector/matchLabels"), Some(of_pods));
    assert_eq!(service.pointer("/spec/selector"), Some(of_pods));
    let monitor = service_monitor();
    let wanted = monitor.pointer("/spec/selector/matchLabels").unwrap();
    assert_eq!(service.pointer("/metadata/labels"), Some(wanted));
}

#[test]
fn the_configuration_is_mounted_where_it_is_read_and_loads() {
    let config = manifest("ConfigMap");
    let data = config["data"].as_object().unwrap();
    let mounts = container()["volumeMounts"].as_array().unwrap().clone();
    let mount = |name: &str| {
        let mount = mounts.iter().find(|mount| mount["name"] == name).unwrap();
        mount["mountPath"].as_str().unwrap().to_owned()
    };
    let volumes = pod()["volumes"].as_array().unwrap().clone();
    let volume = |name: &str| volumes.iter().find(|v| v["name"] == name).unwrap().clone();
    assert_eq!(volume("config")["configMap"]["name"], config["metadata"]["name"]);
    let [(file, text)] = &data.iter().collect::<Vec<_>>()[..] else { panic!("one file: {data:?}") };
    let flag = format!("--config.file={}/{file}", mount("config"));
    assert_eq!(container()["args"][0], flag);
    let text = text.as_str().unwrap();
    Config::parse(text, Path::new(file.as_str()), Path::new("")).unwrap();
    assert!(text.contains(&format!("bearer_token_file: {}/", mount("secrets"))), "{text}");
}

#[test]
fn the_state_is_on_a_volume_that_outlives_the_pod() {
    let data = manifest("ConfigMap")["data"]["llm-prober.yml"].as_str().unwrap().to_owned();
    let config = Config::parse(&data, Path::new("llm-prober.yml"), Path::new("")).unwrap();
    let pod = pod();
    let volumes = pod["volumes"].as_array().unwrap();
    let claimed = |v: &&Value| !v["persistentVolumeClaim"].is_null();
    let volume = volumes.iter().find(claimed).unwrap();
    let claim = manifest("PersistentVolumeClaim");
    assert_eq!(volume["persistentVolumeClaim"]["claimName"], claim["metadata"]["name"]);
    let container = container();
    let mounts = container["volumeMounts"].as_array().unwrap();
    let mount = mounts.iter().find(|mount| mount["name"] == volume["name"]).unwrap();
    assert_ne!(mount["readOnly"], true);
    let folder = Path::new(mount["mountPath"].as_str().unwrap());
    let state = config.state_dir.unwrap();
    assert!(state.starts_with(folder), "{}", state.display());
}

/// A start waits for the state of the pod before for up to a minute.
#[test]
fn no_probe_kills_a_pod_that_waits_for_another() {
    let container = container();
    let number = |probe: &str, key: &str| container[probe][key].as_u64().unwrap();
    let most = number("startupProbe", "periodSeconds") * number("startupProbe", "failureThreshold");
    assert!(most > 60, "{most} s");
    let hung =
        number("livenessProbe", "periodSeconds") * number("livenessProbe", "failureThreshold");
    assert!((30..=120).contains(&hung), "{hung} s");
}

#[test]
fn the_pod_has_no_more_rights_than_it_needs() {
    let context = container()["securityContext"].clone();
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert_eq!(context["capabilities"]["drop"], serde_json::json!(["ALL"]));
    assert_eq!(pod()["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod()["automountServiceAccountToken"], false);
}
