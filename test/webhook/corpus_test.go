// SPDX-License-Identifier: Apache-2.0

//go:build api

package webhook_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	api "weir.dev/weir/api/v1alpha1"
)

// least is the share of invalid objects, in percent, that are refused when no webhook answers.
const least = 95

// TestInvalidIsRefused writes what is invalid, with the webhook and without one.
func TestInvalidIsRefused(t *testing.T) {
	refuse := func(t *testing.T) (by map[string][]string) {
		t.Helper()
		by = map[string][]string{}
		for _, name := range slices.Sorted(maps.Keys(corpus())) {
			who := refusedBy(write(t, corpus()[name]))
			by[who] = append(by[who], name)
		}
		return by
	}
	t.Run("with webhooks", func(t *testing.T) {
		serve(t, nil)
		awaitPolicies(t)
		awaitExposure(t)
		by := refuse(t)
		t.Logf("%d by the schema, %d by policies, %d by webhooks", len(by["schema"]), len(by["policy"]), len(by["webhook"]))
		if len(by["nobody"]) > 0 {
			t.Errorf("accepted: %s", strings.Join(by["nobody"], "; "))
		}
		for _, text := range decent {
			if err := write(t, text); err != nil {
				t.Errorf("%v: refused, though nothing is wrong with\n%s", err, text)
			}
		}
	})
	for _, s := range states {
		t.Run(s.name, func(t *testing.T) {
			fall(t, s)
			by := refuse(t)
			all := len(corpus())
			share := 100 * float64(all-len(by["nobody"])) / float64(all)
			t.Logf("%d objects, %.1f %% refused: %d by the schema, %d by policies; accepted: %s",
				all, share, len(by["schema"]), len(by["policy"]), strings.Join(by["nobody"], "; "))
			if share < least {
				t.Errorf("%.1f %% are refused, want %d", share, least)
			}
		})
	}
}

// write creates the object, or changes the one of its name that the user has, for nothing but to see whether it is refused.
func write(t *testing.T, text string) error {
	t.Helper()
	o := parse(text)
	before := parse(text)
	if err := direct.Get(t.Context(), client.ObjectKeyFromObject(o), before); err != nil {
		return direct.Create(t.Context(), o, client.DryRunAll, client.FieldValidation("Strict"))
	}
	o.SetResourceVersion(before.GetResourceVersion())
	return direct.Update(t.Context(), o, client.DryRunAll, client.FieldValidation("Strict"))
}

// refusedBy tells who refused.
func refusedBy(err error) string {
	switch {
	case err == nil:
		return "nobody"
	case strings.Contains(err.Error(), "admission webhook"):
		return "webhook"
	case strings.Contains(err.Error(), "ValidatingAdmissionPolicy"):
		return "policy"
	default:
		return "schema"
	}
}

// awaitPolicies waits until all policies are in force: the API server looks for new kinds each half minute.
func awaitPolicies(t *testing.T) {
	t.Helper()
	for policy, text := range map[string]string{
		"weir-applications":     application("[{name: a, image: b, template: {spec: {hostNetwork: true}}}]"),
		"weir-components":       application("[{name: a, image: b, readiness: {tcpSocket: {port: nowhere}}}]"),
		"weir-neighbors":        application("[{name: market-page, image: b}]"),
		"weir-named-strategies": application("[{name: a, image: b, ports: [{port: 3306}], strategy: by-mirror}]"),
		"weir-strategy-users":   strings.Replace(strategy("type: Mirror"), "name: test", "name: of-db", 1),
	} {
		eventually(t, func() error {
			err := write(t, text)
			if err == nil || !strings.Contains(err.Error(), policy) {
				return fmt.Errorf("policy %s is not in force: %w", policy, err)
			}
			return nil
		})
	}
}

// awaitExposure waits until it is known what the others answer at the gateway: who had it first keeps it.
func awaitExposure(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		var bank api.Application
		if err := direct.Get(t.Context(), client.ObjectKey{Namespace: "other", Name: "bank"}, &bank); err != nil {
			return err
		}
		if len(bank.Status.Exposed) == 0 {
			return fmt.Errorf("bank answers nothing: %+v", bank.Status)
		}
		return nil
	})
}

func application(components string) string {
	return "{apiVersion: weir.dev/v1alpha1, kind: Application, metadata: {name: test, namespace: shop}, spec: {components: " + components + "}}"
}

func component(fields string) string {
	return application("[{name: a, image: 'b:v1', " + fields + "}]")
}

func strategy(spec string) string {
	return "{apiVersion: weir.dev/v1alpha1, kind: Strategy, metadata: {name: test, namespace: shop}, spec: {" + spec + "}}"
}

func match(m string) string { return strategy("type: ABTest, steps: [{match: [" + m + "]}]") }

func metric(m string) string {
	return strategy("steps: [{weight: 10}], analysis: {metrics: [{name: q, " + m + "}]}")
}

func releaseOf(spec string) string {
	return "{apiVersion: weir.dev/v1alpha1, kind: Release, metadata: {name: test, namespace: shop}, spec: {" + spec + "}}"
}

// decent objects look like some of the corpus, and are right.
var decent = []string{
	component("ports: [{port: 80, name: web}], readiness: {httpGet: {port: web}}, liveness: {tcpSocket: {port: http-80}}, expose: {}"),
	component("ports: [{port: 80, appProtocol: kubernetes.io/h2c}], expose: {}"),
	component("env: [{name: A.b-c, value: d}, {name: P, valueFrom: {fieldRef: {fieldPath: status.podIP}}}], resources: {requests: {cpu: 500m}, limits: {cpu: 1}}"),
	component("kind: CronJob, schedule: ' */5 0-6 * jan,FEB ?'"), component("kind: CronJob, schedule: '@every 1h30m'"), component("template: {labels: {example.com/a-b: ''}}"),
	component("mesh: false, template: {spec: {hostNetwork: true, securityContext: {runAsUser: 1337}}}"),
	component("template: {spec: {nodeSelector: {a: b}, containers: [{name: a, workingDir: /}, {name: logger, image: 'l:v1', ports: [{containerPort: 9000}]}]}}"),
	component("template: {spec: {terminationGracePeriodSeconds: 60, $setElementOrder/containers: [{name: a}]}}"),
	component("ports: [{port: 3306}], strategy: by-weight"),
	component("ports: [{port: 80}], strategy: by-mirror"),
	application("[{name: page, image: 'b:v1', ports: [{port: 80}]}, {name: a, image: 'b:v1', ports: [{port: 80}], uses: [page], strategy: by-source}]"),
	application("[{name: a, image: 'b:v1', ports: [{port: 80}], expose: {hosts: [a.example]}}, {name: c, image: 'b:v1', ports: [{port: 80}], expose: {hosts: [c.example]}}]"),
	application("[{name: a, image: 'b:v1', ports: [{port: 80}], expose: {paths: [/a]}}, {name: c, image: 'b:v1', ports: [{port: 80}], expose: {paths: [/c]}}]"),
	component("ports: [{port: 5432}], expose: {tcp: 5432}"),
	match("{headers: [{name: A, regex: 'x.*'}, {name: b, exact: 'y z'}], cookies: [{name: c, prefix: d}], path: {prefix: /a}, method: GET}"),
	metric("query: 'sum(rate(errors_total{app=\"$(component)\"}[$(window)]))', max: 1"),
	strategy("gates: [{name: a, at: BeforeStart, webhook: {url: 'https://hook.example:8443/x?y=z'}}], steps: [{weight: 10}]"),
	strategy("windows: [{from: '22:00', to: '06:00', zone: Europe/Berlin}], steps: [{weight: 10}]"),
}

// corpus is one object for every mistake that we know of.
func corpus() map[string]string {
	long := strings.Repeat("x", 300)
	out := map[string]string{}
	add := func(kind string, write func(string) string, texts ...string) {
		for _, text := range texts {
			out[kind+" "+text[:min(len(text), 90)]] = write(text)
		}
	}
	add("components", application,
		"[]", "[{name: a}]", "[{image: b}]", "[{name: A, image: b}]", "[{name: 1a, image: b}]", "[{name: a.b, image: b}]", "[{name: a-, image: b}]",
		"[{name: default, image: b}]", "[{name: kubernetes, image: b}]", "[{name: "+long+", image: b}]", "[{name: a, image: b}, {name: a, image: c}]",
		"[{name: a, image: b, uses: [c]}]", "[{name: a, image: b, uses: [a]}]", "[{name: a, image: b}, {name: c, image: b, uses: [a, a]}]",
		"[{name: a, image: b, ports: [{port: 80}], expose: {}}, {name: c, image: b, ports: [{port: 80}], expose: {}}]",
		"[{name: a, image: b, ports: [{port: 80}], expose: {hosts: [x.example]}}, {name: c, image: b, ports: [{port: 80}], expose: {}}]",
		"[{name: a, image: b, ports: [{port: 80}], expose: {paths: [/x]}}, {name: c, image: b, ports: [{port: 80}], expose: {paths: [/y, /x]}}]",
		"[{name: market-page, image: b}]", "[{name: z, image: b, ports: [{port: 80}], expose: {hosts: [market.example], paths: [/cart]}}]",
		"[{name: z, image: b, ports: [{port: 80}], expose: {hosts: [bank.example]}}]",
		"[{name: a, image: b, ports: [{port: 3306}], strategy: by-mirror}]", "[{name: a, image: b, ports: [{port: 7, protocol: tcp}], strategy: by-method}]",
		"[{name: a, image: b, ports: [{port: 80}], strategy: by-source}]", "[{name: page, image: b, mesh: false}, {name: a, image: b, ports: [{port: 80}], strategy: by-source}]",
		"[{name: a, image: b, ports: [{port: 50051, protocol: grpc}], strategy: by-method}]",
		"[{name: a, image: b, ports: [{port: 50051, protocol: grpc}], strategy: by-safe-mirror}]",
	)
	add("component", component,
		"image: ''", "image: ' b'", "image: "+long+long, "version: V1", "version: 1.2", "version: "+long, "replicas: -1", "replicas: 0", "replicas: 1001",
		"replicas: many", "args: x", "env: [{name: A}, {name: A}]", "resources: {limits: {memory: much}}", "strategy: "+long, "mesh: 'yes'",
		"readiness: {periodSeconds: 1}", "readiness: {exec: {command: [x]}, tcpSocket: {port: 1}}", "liveness: {}", "startup: {periodSeconds: 1}",
		"readiness: {tcpSocket: {port: nowhere}}", "ports: [{port: 80, name: web}], liveness: {httpGet: {port: api}}", "ports: [{port: 80}], startup: {tcpSocket: {port: '80'}}",
		"kind: DaemonSet", "kind: Job, ports: [{port: 80}]", "kind: CronJob", "schedule: '0 3 * * *'", "kind: StatefulSet, strategy: by-weight",
		"claims: [{name: c, path: /c, size: 1Gi}]", "kind: StatefulSet, claims: [{name: c, path: c, size: 1Gi}]", "kind: StatefulSet, claims: [{name: c, path: /c, size: much}]",
		"volumes: [{name: v, path: /v}]", "volumes: [{name: v, path: /v, secret: s, configMap: c}]", "volumes: [{name: v, path: v, secret: s}]", "volumes: [{name: V, path: /v, secret: s}]",
		"external: true, kind: StatefulSet", "autoscale: {min: 3, max: 2}", "autoscale: {}", "kind: Job, autoscale: {max: 2}", "autoscale: {max: 2, cpu: 0}",
		"imagePullPolicy: Always", "init: [{name: I}]", "pullSecrets: [a, a]", "uses: ["+strings.Repeat("x, ", 25)+"]",
		"ports: [{port: 0}]", "ports: [{port: 70000}]", "ports: [{protocol: http}]", "ports: [{port: 80}, {port: 80}]", "ports: [{port: 80, protocol: ftp}]",
		"ports: [{port: 80, name: a}, {port: 81, name: a}]", "ports: [{port: 80, name: API}]", "ports: [{port: 80, name: aaaaaaaaaaaaaaaa}]", "ports: [{port: 80, appProtocol: 'a b'}]",
		"ports: [{port: 15021}]", "ports: [{port: 80, target: 15001}]", "ports: [{port: 80, target: 0}]",
		"expose: {}", "ports: [{port: 80}], expose: {port: 81}", "ports: [{port: 80, protocol: mysql}], expose: {}", "ports: [{port: 80, name: tcp}], expose: {}",
		"ports: [{port: 80}, {port: 81, appProtocol: redis}], expose: {port: 81}", "ports: [{port: 80, appProtocol: odd.example/x}], expose: {}",
		"ports: [{port: 80}], expose: {hosts: [a.example/x]}", "ports: [{port: 80}], expose: {hosts: ['a.example:80']}", "ports: [{port: 80}], expose: {hosts: [A.example]}",
		"ports: [{port: 80}], expose: {hosts: ['a.*.example']}", "ports: [{port: 80}], expose: {hosts: [a, a]}", "ports: [{port: 80}], expose: {paths: [api]}",
		"env: [{name: ''}]", "env: [{name: 'a=b'}]", "env: [{name: A, valueFrom: {}}]", "env: [{name: A, value: b, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]",
		"env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.nothing}}}]", "envFrom: [{prefix: A}]", "envFrom: [{configMapRef: {name: a}, secretRef: {name: b}}]",
		"volumes: [{name: v, path: '/a:b', emptyDir: {}}]", "volumes: [{name: v, path: /v, emptyDir: {}}, {name: w, path: /v, emptyDir: {}}]",
		"kind: StatefulSet, claims: [{name: c, path: /c, size: 0}]", "kind: CronJob, schedule: nightly", "kind: CronJob, schedule: '0 3 * *'", "kind: CronJob, schedule: '99 3 * * *'",
		"init: [{name: a}]", "template: {labels: {'a b': c}}", "template: {labels: {a: 'b c'}}", "resources: {requests: {cpu: 2}, limits: {cpu: 1}}",
		"readiness: {tcpSocket: {port: 0}}", "readiness: {httpGet: {port: 70000}}", "liveness: {tcpSocket: {port: 80}, successThreshold: 2}", "readiness: {tcpSocket: {port: 80}, periodSeconds: -1}",
		"template: {labels: {app: x}}", "template: {labels: {weir.dev/version: x}}", "template: {annotations: {sidecar.istio.io/inject: 'false'}}", "template: {spec: x}",
		"template: {spec: {nodeSelectr: {a: b}}}", "template: {spec: {serviceAccountName: x}}", "template: {spec: {hostNetwork: true}}", "template: {spec: {securityContext: {runAsUser: 1337}}}",
		"template: {spec: {containers: x}}", "template: {spec: {containers: [{image: b}]}}", "template: {spec: {containers: [{name: a, image: c}]}}", "template: {spec: {containers: [{name: a, ports: [{containerPort: 80}]}]}}",
		"template: {spec: {containers: [{name: istio-proxy}]}}", "template: {spec: {containers: [{name: x, image: y, securityContext: {runAsUser: 1337}}]}}",
		"template: {spec: {containers: [{name: x, image: y, ports: [{containerPort: 15090}]}]}}", "template: {spec: {terminationGracePeriodSeconds: long}}",
	)
	add("strategy", strategy,
		"type: Big", "steps: [{weight: -1}]", "steps: [{weight: 101}]", "steps: [{weight: 50}, {weight: 10}]", "steps: [{weight: 10}, {weight: 10}]", "steps: [{hold: 1m}]",
		"steps: [{weight: 10, hold: -1s}]", "steps: [{weight: 10, hold: soon}]", "steps: [{weight: 10, hold: 721h}]", "steps: [{weight: 10, pause: {}}]",
		"ramp: {interval: 1h}", "ramp: {step: 10}", "ramp: {step: 0, interval: 1h}", "ramp: {step: 10, interval: 1h, start: 50, max: 20}", "ramp: {step: 10, interval: 1h}, steps: [{weight: 10}]",
		"type: ABTest", "type: ABTest, steps: [{weight: 10}]", "type: Mirror, steps: [{weight: 10}]", "type: BlueGreen, steps: [{weight: 50}]", "type: BlueGreen, ramp: {step: 10, interval: 1h}",
		"steps: [{mirror: {percent: 0}}]", "steps: [{mirror: {percent: 101}}]", "steps: [{mirror: {methods: Some}}]", "capacity: Half", "onFailure: Ignore", "warm: 721h", "drain: 25h", "readyDeadline: 0s",
		"sticky: {cookie: 'a b'}", "sticky: {maxAge: 0s}", "windows: [{from: '9:00'}]", "windows: [{to: '25:00'}]", "windows: [{days: [Monday]}]", "windows: [{from: '09:00', to: '09:00'}]",
		"windows: [{zone: 'a b'}]", "windows: [{zone: Mars/Olympus}]", "windows: [{days: [Mon, Mon]}]",
		"gates: [{name: a}]", "gates: [{name: a, at: Never, approval: {}}]", "gates: [{name: a, at: BeforeStart}]", "gates: [{name: a, at: BeforeStart, approval: {}, job: {image: b}}]",
		"gates: [{name: A, at: BeforeStart, approval: {}}]", "gates: [{name: a, at: BeforeStart, approval: {}}, {name: a, at: BeforeStep, approval: {}}]",
		"gates: [{name: a, at: BeforeStart, webhook: {url: ftp://a}}]", "gates: [{name: a, at: BeforeStart, webhook: {url: 'http://'}}]", "gates: [{name: a, at: BeforeStart, webhook: {url: 'https://:%'}}]",
		"gates: [{name: a, at: BeforeStart, webhook: {url: 'http://a', timeout: 1m}}]", "gates: [{name: a, at: BeforeStart, job: {image: ' '}}]", "gates: [{name: a, at: BeforeStart, job: {}}]",
		"gates: [{name: a, at: BeforeStart, job: {image: b, retries: 11}}]", "gates: [{name: a, at: BeforeStart, approval: {}, deadline: 0s}]",
		"analysis: {interval: 0s}", "analysis: {minRequests: 0}", "analysis: {successRate: {}}", "analysis: {successRate: {minPercent: 101}}", "analysis: {latency: {quantile: P42, max: 1s}}",
		"analysis: {latency: {}}", "analysis: {latency: {max: 2h}}", "analysis: {errorBudget: {maxFailures: -1}}", "analysis: {requestRate: {}}", "analysis: {requestRate: {min: 2, max: 1}}",
		"analysis: {unanswered: {maxPercent: -1}}", "analysis: {compare: {confidence: 100}}", "analysis: {compare: {maxErrorIncrease: -1}}", "analysis: {onNoData: Guess}", "analysis: {deadline: 0s}",
		"analysis: {server: {}}", "analysis: {server: {url: prometheus}}", "analysis: {server: {url: 'https://:%'}}", "analysis: {failFast: true}",
	)
	add("match", match,
		"{}", "{headers: []}", "{headers: [{name: a}]}", "{headers: [{name: a, exact: b, prefix: c}]}", "{headers: [{name: 'a b', exact: c}]}", "{headers: [{name: a, exact: ''}]}",
		"{headers: [{name: A, exact: x}, {name: a, exact: z}]}", "{headers: [{name: a, exact: 'x '}]}", "{headers: [{name: User-Agent, exact: x}], userAgent: {exact: z}}",
		"{headers: [{name: Cookie, exact: x}], cookies: [{name: a, exact: z}]}", "{headers: [{name: a, regex: '('}]}", "{userAgent: {regex: '(?!x)'}}", "{query: [{name: q, regex: '[z-a]'}]}",
		"{cookies: [{name: a, exact: 'x;y'}]}", "{cookies: [{name: a, exact: x}, {name: a, exact: z}]}", "{path: {prefix: api}}", "{path: {exact: '/a?b=c'}}", "{path: {prefix: /}}", "{path: {regex: '.*'}}",
		"{path: {regex: '/"+strings.Repeat("a{1,900}b", 10)+"'}}", "{method: FETCH}", "{source: Page}", "{path: {prefix: /a}}, {path: {exact: /a/b}, method: GET}",
	)
	add("metric", metric,
		"query: ''", "query: ' ', min: 1", "query: up", "query: up, min: 2, max: 1", "query: 'x{pod=\"$(pod)\"}', min: 1", "query: 'sum(rate(x[5m])', min: 1", "query: 'rate(x)', min: 1", "min: 1",
	)
	add("users", func(s string) string {
		name, spec, _ := strings.Cut(s, " ")
		return strings.Replace(strategy(spec), "name: test", "name: "+name, 1)
	},
		"of-db type: Mirror", "of-db sticky: {}", "of-db type: ABTest, steps: [{match: [{method: GET}]}]",
		"of-rates type: ABTest, steps: [{match: [{method: GET}]}]", "of-rates type: Mirror, steps: [{mirror: {methods: Safe}}]",
		"of-db type: ABTest, steps: [{match: [{source: nobody}]}]", "of-rates type: ABTest, steps: [{match: [{source: market-batch}]}]",
	)
	add("release", releaseOf,
		"application: a", "application: a, component: b, from: c, to: d", "application: a, component: b, from: c, to: d, strategy: {steps: [{weight: 200}]}",
		"application: a, component: b, from: c, to: d, strategy: {}, skip: -1", "application: a, component: b, from: c, to: d, strategy: {}, abort: maybe",
		"application: a, component: b, from: c, to: d, strategy: {}, approvals: [{gate: g, by: somebody-else, at: '2026-01-01T00:00:00Z'}]",
		"application: a, component: b, from: c, to: d, strategy: {}, unit: {name: u, releases: []}",
	)
	return out
}
