//! kubectl with an exec credential plugin, before a small Kubernetes API behind the application proxy.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use entrada_authority::Endpoint;
use serde_json::{Value, json};

use crate::desk::Desk;

/// So much of the API that `kubectl get namespaces` is content.
fn api(path: &str) -> Option<Value> {
    Some(match path {
        "/version" => json!({"major": "1", "minor": "30", "gitVersion": "v1.30.0"}),
        "/api" => json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}),
        "/apis" => json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": []}),
        "/api/v1" => json!({
            "kind": "APIResourceList", "groupVersion": "v1", "resources": [{
                "name": "namespaces", "singularName": "namespace", "namespaced": false, "kind": "Namespace",
                "verbs": ["get", "list"], "shortNames": ["ns"],
            }],
        }),
        "/api/v1/namespaces" => json!({
            "kind": "NamespaceList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": [{
                "metadata": {"name": "payroll", "creationTimestamp": "2026-01-01T00:00:00Z"},
                "status": {"phase": "Active"},
            }],
        }),
        _ => return None,
    })
}

pub(crate) fn serve(mut stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let target = line.split_whitespace().nth(1)?.to_owned();
    let mut bearer = false;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        bearer |= line.to_ascii_lowercase().starts_with("authorization: bearer ");
    }
    let found = api(target.split('?').next()?).filter(|_| bearer);
    let (status, body) = found.map_or(("404 Not Found", json!({"kind": "Status"})), |found| ("200 OK", found));
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).ok()
}

fn kubeconfig(desk: &Desk, version: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: published
contexts:
- name: published
  context: {{cluster: published, user: me}}
clusters:
- name: published
  cluster:
    server: {}
    certificate-authority: {}
users:
- name: me
  user:
    exec:
      apiVersion: client.authentication.k8s.io/{version}
      command: entrada
      args: [token, {}, --output, exec-credential]
      interactiveMode: Never
",
        desk.url("").trim_end_matches('/'),
        desk.ca().display(),
        desk.url(""),
    )
}

/// The versions of the ExecCredential that this kubectl knows.
pub(crate) fn versions(desk: &Desk) -> &'static [&'static str] {
    let client = desk.run("kubectl", &["version", "--client", "-o", "json"]).well();
    let client: Value = serde_json::from_str(&client.stdout).unwrap();
    let minor = client["clientVersion"]["minor"].as_str().unwrap().trim_end_matches('+').parse::<u32>().unwrap();
    if minor < 22 { &["v1beta1"] } else { &["v1beta1", "v1"] }
}

#[test]
fn kubectl_lists_what_is_behind_the_proxy() {
    let Some(desk) = Desk::signed_in_with("kubectl") else { return };
    desk.publish(|stream| serve(stream).unwrap_or_default());
    for version in versions(&desk) {
        desk.stage.forget_requests();
        let path = desk.home().join(format!("kubeconfig-{version}"));
        fs::write(&path, kubeconfig(&desk, version)).unwrap();
        let path = path.to_str().unwrap();
        let listed = desk.run("kubectl", &["--kubeconfig", path, "get", "namespaces", "-o", "name"]).well();
        assert_eq!(listed.stdout, "namespace/payroll\n", "{version}");
        let table = desk.run("kubectl", &["--kubeconfig", path, "get", "ns", "--no-headers"]).well();
        assert!(table.stdout.starts_with("payroll "), "{}", table.stdout);
        let seen = desk.stage.bearers_seen(Endpoint::Proxy);
        let issued = desk.stage.issued().pop().unwrap().access_token;
        assert!(seen.len() >= 2 && seen.iter().all(|bearer| *bearer == issued), "{version}");
    }
    desk.no_file_holds_a_token();

    desk.run("entrada", &["logout", "--all"]).well();
    let path = desk.home().join("kubeconfig-v1beta1");
    let refused = desk.run("kubectl", &["--kubeconfig", path.to_str().unwrap(), "get", "ns"]);
    assert!(refused.code != 0 && refused.stderr.contains("run: entrada login"), "{refused:?}");
}
