// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Application is a whole application in one object: its components, who calls whom, and how it is reached.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=app;apps,categories=weir
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.ready`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name="Release",type=string,JSONPath=`.status.release`
// +kubebuilder:printcolumn:name="Health",type=string,JSONPath=`.status.health`
// +kubebuilder:printcolumn:name="Address",type=string,JSONPath=`.status.address`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 40",message="an application's name has at most 40 characters, so that names made from it stay valid"
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="an application's name is made of lower case letters, digits and dashes, since the mesh takes no other name for the way in"
type Application struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec   ApplicationSpec   `json:"spec"`
	Status ApplicationStatus `json:"status,omitempty"`
}

// ApplicationSpec says what the user wants to run.
//
// +kubebuilder:validation:XValidation:rule="self.components.all(c, !has(c.uses) || c.uses.all(u, u.contains('/') || self.components.exists(o, o.name == u)))",fieldPath=".components",message="uses names a component that this application does not have; add the component, or correct the name"
// +kubebuilder:validation:XValidation:rule="!has(self.together) || self.together.all(t, t.components.all(n, self.components.exists(c, c.name == n)))",fieldPath=".together",message="together names a component that this application does not have; add the component, or correct the name"
// +kubebuilder:validation:XValidation:rule="!has(self.together) || self.together.all(t, t.components.all(n, self.together.filter(o, n in o.components).size() == 1 && t.components.filter(m, m == n).size() == 1))",fieldPath=".together",message="a component is in one unit, and once"
// +kubebuilder:validation:XValidation:rule="self.components.all(c, !has(c.uses) || !c.uses.exists(u, u == c.name))",fieldPath=".components",message="a component does not name itself in uses; leave it out"
type ApplicationSpec struct {
	// Together names components whose new versions are released as one unit: they take each step in this order, and go back
	// as one. Each list is a unit of its own. They need strategies with the same number of steps.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Together []Together `json:"together,omitempty"`
	// RevisionHistoryLimit is how many earlier versions and releases of each component are kept, so that they can be had again.
	// What is running, wanted or on its way is kept besides. Default: 10.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +optional
	RevisionHistoryLimit *int32 `json:"revisionHistoryLimit,omitempty"`
	// TakesOver names objects of somebody else whose place the application takes without losing a request, as weir app adopt
	// writes them. They get it back when the application is deleted, as long as the Deployments among them are there.
	// +listType=map
	// +listMapKey=kind
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	// +optional
	TakesOver []Taken `json:"takesOver,omitempty"`
	// ScopeFromUses sends each component's sidecar only what it calls by uses, instead of all there is in the mesh. That is
	// less to hold and to send, and changes elsewhere do not reach it. A call that uses does not name still reaches its
	// destination where the mesh allows that, but around the mesh: without routes, identity and figures.
	// +optional
	ScopeFromUses bool `json:"scopeFromUses,omitempty"`
	// AccessFromUses lets a component be called only by those that name it in uses, and by the gateway when it is exposed.
	// Everybody else is refused, by identity. Components of other namespaces also need to be named in callers.
	// +optional
	AccessFromUses bool `json:"accessFromUses,omitempty"`
	// Callers names applications of other namespaces, such as shop/front, or all of a namespace, shop/*, whose components may
	// call this one's when accessFromUses is set.
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=104
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?/([*]|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$`
	// +optional
	Callers []string `json:"callers,omitempty"`
	// Components are the parts of the application, each with a name of its own.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=48
	Components []Component `json:"components"`
}

// Together is components that are released as one unit.
type Together struct {
	// Name of the unit.
	// +kubebuilder:validation:MaxLength=30
	// +kubebuilder:validation:Pattern=`^[a-z]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// Components in the order in which they take each step.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=2
	// +kubebuilder:validation:MaxItems=24
	// +kubebuilder:validation:items:MaxLength=40
	Components []string `json:"components"`
}

// Component is one service of an application.
//
// +kubebuilder:validation:XValidation:rule="has(self.image) || (has(self.external) && self.external)",fieldPath=".image",message="image is missing; write the container image, for example registry.example/reviews:v1, or set external when the Deployments are somebody else's"
// +kubebuilder:validation:XValidation:rule="!has(self.expose) || (has(self.ports) && self.ports.size() > 0)",fieldPath=".expose",message="expose needs a port to send requests to; list one under ports"
// +kubebuilder:validation:XValidation:rule="!has(self.expose) || !has(self.expose.port) || !has(self.ports) || self.ports.exists(p, p.port == self.expose.port)",fieldPath=".expose.port",message="port must be one of the component's ports; list it under ports"
// +kubebuilder:validation:XValidation:rule="!has(self.expose) || has(self.expose.tcp) || !has(self.ports) || self.ports.size() == 0 || (has(self.expose.port) ? self.ports.all(p, p.port != self.expose.port || !has(p.protocol) || p.protocol in ['http', 'http2', 'grpc', 'grpc-web']) : self.ports.exists(p, !has(p.protocol) || p.protocol in ['http', 'http2', 'grpc', 'grpc-web']))",fieldPath=".expose",message="requests from outside need a port that speaks http, http2, grpc or grpc-web; correct its protocol, name another port, or pass connections on as they are by expose.tcp"
// +kubebuilder:validation:XValidation:rule="(has(self.mesh) && !self.mesh) || !has(self.ports) || !self.ports.exists(p, (has(p.target) ? p.target : p.port) in [15000, 15001, 15002, 15004, 15006, 15008, 15020, 15021, 15053, 15090])",fieldPath=".ports",message="ports 15000, 15001, 15002, 15004, 15006, 15008, 15020, 15021, 15053 and 15090 belong to the sidecar; choose another, or set mesh to false"
// +kubebuilder:validation:XValidation:rule="!has(self.ports) || self.ports.all(p, !has(p.name) || self.ports.filter(o, has(o.name) && o.name == p.name).size() == 1)",fieldPath=".ports",message="two ports have one name; give each a name of its own, or none"
// +kubebuilder:validation:XValidation:rule="!has(self.readiness) || [has(self.readiness.httpGet), has(self.readiness.tcpSocket), has(self.readiness.grpc), has(self.readiness.exec)].filter(said, said).size() == 1",fieldPath=".readiness",message="readiness needs one of httpGet, tcpSocket, grpc or exec"
// +kubebuilder:validation:XValidation:rule="self.kind == oldSelf.kind",fieldPath=".kind",message="the kind of a component stays, since pods of two kinds cannot take turns; add a component of another name, and move its callers"
// +kubebuilder:validation:XValidation:rule="!has(self.claims) || self.kind == 'StatefulSet'",fieldPath=".claims",message="only a component of kind StatefulSet has claims; mount an existing claim under volumes, or set the kind"
// +kubebuilder:validation:XValidation:rule="has(self.claims) == has(oldSelf.claims) && (!has(self.claims) || self.claims == oldSelf.claims)",fieldPath=".claims",message="claims stay as they are, since Kubernetes cannot change those of running pods; add a component of another name, and move the data"
// +kubebuilder:validation:XValidation:rule="!has(self.strategy) || self.kind == 'Deployment'",fieldPath=".strategy",message="only versions of a Deployment run side by side and take a strategy; leave it out"
// +kubebuilder:validation:XValidation:rule="has(self.schedule) == (self.kind == 'CronJob')",fieldPath=".schedule",message="a CronJob needs a schedule, such as 0 3 * * *, and nothing else has one"
// +kubebuilder:validation:XValidation:rule="!(self.kind in ['Job', 'CronJob']) || !(has(self.ports) || has(self.expose) || (has(self.external) && self.external))",fieldPath=".kind",message="a job answers no requests; leave out ports, expose and external"
// +kubebuilder:validation:XValidation:rule="!has(self.autoscale) || self.kind in ['Deployment', 'StatefulSet'] && !(has(self.external) && self.external)",fieldPath=".autoscale",message="only a Deployment or StatefulSet that Weir makes is autoscaled; leave autoscale out"
// +kubebuilder:validation:XValidation:rule="!(has(self.external) && self.external) || self.kind == 'Deployment'",fieldPath=".external",message="external workloads are Deployments; leave the kind out"
// +kubebuilder:validation:XValidation:rule="(has(self.external) && self.external) == (has(oldSelf.external) && oldSelf.external)",fieldPath=".external",message="whose the workloads are stays, since Weir would take its own away, or take over somebody else's; add a component of another name, and move its callers"
// +kubebuilder:validation:XValidation:rule="!(has(self.external) && self.external) || has(self.version) && self.version.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",fieldPath=".version",message="an external component names the version that is to carry the traffic: what its pods have as label version, made of lower case letters, digits and dashes"
// +kubebuilder:validation:XValidation:rule="!has(self.liveness) || [has(self.liveness.httpGet), has(self.liveness.tcpSocket), has(self.liveness.grpc), has(self.liveness.exec)].filter(said, said).size() == 1",fieldPath=".liveness",message="liveness needs one of httpGet, tcpSocket, grpc or exec"
// +kubebuilder:validation:XValidation:rule="!has(self.startup) || [has(self.startup.httpGet), has(self.startup.tcpSocket), has(self.startup.grpc), has(self.startup.exec)].filter(said, said).size() == 1",fieldPath=".startup",message="startup needs one of httpGet, tcpSocket, grpc or exec"
type Component struct {
	// Name is the component's name and the name other components call it by.
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="a name begins with a letter and is made of lower case letters, digits and dashes, for example product-page"
	// +kubebuilder:validation:XValidation:rule="!(self in ['default', 'kubernetes'])",message="the names \"default\" and \"kubernetes\" belong to Kubernetes; choose another"
	Name string `json:"name"`
	// Kind is what runs the component. Versions of a Deployment run side by side and take turns by their strategy. A
	// StatefulSet gives its pods names and claims of their own and changes them one by one, in place. A Job runs to its
	// end once per version, a CronJob by its schedule, both outside the mesh.
	// +kubebuilder:default=Deployment
	// +optional
	Kind Kind `json:"kind,omitempty"`
	// Schedule of a CronJob, such as "0 3 * * *" for three o'clock each night.
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:MinLength=1
	// +optional
	Schedule string `json:"schedule,omitempty"`
	// Image is the container image. Its tag is the version unless version says otherwise. Only an external component has none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\s')",message="an image is written without white space, for example registry.example/reviews:v2"
	Image string `json:"image,omitempty"`
	// Version names this state of the component; dots become dashes. Default: the image tag.
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",message="a version is made of lower case letters, digits, dashes and dots, for example 1.2.3"
	// +optional
	Version string `json:"version,omitempty"`
	// Command replaces the image's entrypoint.
	// +listType=atomic
	// +optional
	Command []string `json:"command,omitempty"`
	// Args are the arguments of the container.
	// +listType=atomic
	// +optional
	Args []string `json:"args,omitempty"`
	// Env are environment variables of the container.
	// +listType=map
	// +listMapKey=name
	// +optional
	Env []corev1.EnvVar `json:"env,omitempty"`
	// EnvFrom sets environment variables from whole ConfigMaps and Secrets. Their contents are part of the version.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +optional
	EnvFrom []corev1.EnvFromSource `json:"envFrom,omitempty"`
	// Volumes are mounted into the container. The contents of ConfigMaps and Secrets are part of the version.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Volumes []Volume `json:"volumes,omitempty"`
	// Ports are the ports the component listens on.
	// +listType=map
	// +listMapKey=port
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Ports []Port `json:"ports,omitempty"`
	// Replicas is the number of pods of the version that carries the traffic. Default: 1.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +kubebuilder:default=1
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// Autoscale lets the number of pods follow the load; replicas is then not looked at.
	// +optional
	Autoscale *Autoscale `json:"autoscale,omitempty"`
	// Resources are the container's requests and limits.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// Readiness tells when a pod may receive requests. Default: its first port accepts connections.
	// +optional
	Readiness *corev1.Probe `json:"readiness,omitempty"`
	// Liveness tells when a pod has to be restarted. Default: never; a process that ends is restarted anyway.
	// +optional
	Liveness *corev1.Probe `json:"liveness,omitempty"`
	// Startup holds the other probes back until the container has started. Default: none.
	// +optional
	Startup *corev1.Probe `json:"startup,omitempty"`
	// Init are containers that run to their end, one after the other, before the component starts.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Init []Init `json:"init,omitempty"`
	// PullSecrets name the Secrets, in the same namespace, that hold the accounts of image registries.
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=253
	// +optional
	PullSecrets []string `json:"pullSecrets,omitempty"`
	// Claims are volumes of its own for each pod of a StatefulSet. They stay when the pods go.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	// +optional
	Claims []Claim `json:"claims,omitempty"`
	// Template is merged over the pods that Weir makes, and reaches whatever has no field of its own here.
	// +optional
	Template *Template `json:"template,omitempty"`
	// Uses names whom this component calls: a component of this application, such as ratings; one of another application in
	// the namespace, accounts/ledger, or of another namespace, bank/accounts/ledger; or a host outside of the mesh with its
	// protocol and port, https://api.example or mysql://db.example:3306. http and https need no port. A Service of the cluster
	// that is no component is named in full, http://legacy.shop.svc.cluster.local:8080.
	// +listType=set
	// +kubebuilder:validation:MaxItems=24
	// +kubebuilder:validation:items:MaxLength=280
	// +kubebuilder:validation:items:XValidation:rule="self.contains('://') ? self.matches('^(https?|((http2|grpc|tls|tcp|mongo|mysql|redis)://[^:]+:)).+$') && self.matches('^[a-z0-9]+://([*][.])?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+(:(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}))?$') : self.matches('^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/){0,2}[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')",message="write a component, such as ratings, accounts/ledger or bank/accounts/ledger, or a host outside of the mesh, such as https://api.example or mysql://db.example:3306"
	// +optional
	Uses []string `json:"uses,omitempty"`
	// Strategy names the Strategy by which new versions are released: one in the same namespace, else a template that comes
	// with Weir: quick-canary, hourly-canary, mirror-then-canary, blue-green or ab-by-header.
	// Default: a new version receives all requests once its pods are ready and every caller can reach them.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Strategy string `json:"strategy,omitempty"`
	// External leaves the workloads to somebody else, such as Helm or Git: Deployments whose pods have the labels app with
	// the component's name and version, behind a Service of the component's name. Weir neither makes, owns, labels nor scales
	// them, and routes to them alone. Image and whatever else makes pods is not looked at; version is the one that is to carry
	// the traffic, and a release to it begins when it is deployed.
	// +optional
	External bool `json:"external,omitempty"`
	// Mesh puts the component into the mesh. Default: true.
	// +kubebuilder:default=true
	// +optional
	Mesh *bool `json:"mesh,omitempty"`
	// Expose makes the component reachable from outside the cluster through the gateway.
	// +optional
	Expose *Expose `json:"expose,omitempty"`
}

// Volume is what is mounted at a path.
//
// +kubebuilder:validation:XValidation:rule="[has(self.configMap), has(self.secret), has(self.emptyDir), has(self.claim)].filter(said, said).size() == 1",message="a volume is one of configMap, secret, emptyDir or claim"
type Volume struct {
	// Name of the volume.
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// Path it is mounted at.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^/`
	Path string `json:"path"`
	// ReadOnly keeps the container from writing to it.
	// +optional
	ReadOnly bool `json:"readOnly,omitempty"`
	// ConfigMap names a ConfigMap whose keys become files.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ConfigMap string `json:"configMap,omitempty"`
	// Secret names a Secret whose keys become files.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Secret string `json:"secret,omitempty"`
	// EmptyDir is an empty folder that lives as long as the pod.
	// +optional
	EmptyDir *EmptyDir `json:"emptyDir,omitempty"`
	// Claim names a PersistentVolumeClaim.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Claim string `json:"claim,omitempty"`
}

// EmptyDir is an empty folder.
type EmptyDir struct{}

// Protocol is what is spoken on a port.
//
// +kubebuilder:validation:Enum=http;http2;grpc;grpc-web;https;tls;tcp;udp;mongo;mysql;redis
type Protocol string

// Port is one port of a component.
type Port struct {
	// Port is the number the component is called at.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`
	// Target is the number the component listens on. Default: the one it is called at.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Target int32 `json:"target,omitempty"`
	// Protocol is what is spoken on the port. Default: what appProtocol says, else what the name begins with, else http when
	// requests from outside are sent to it, else what is spoken on the number by custom (80, 8080, 9080 and others are http),
	// else tcp. The status tells which it was. Datagrams (udp) pass by the mesh.
	// +optional
	Protocol Protocol `json:"protocol,omitempty"`
	// AppProtocol is the protocol as Kubernetes writes it on Services, such as grpc or kubernetes.io/h2c.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`
	// +optional
	AppProtocol string `json:"appProtocol,omitempty"`
	// Name of the port, such as api. It follows the protocol in the names of Service and container ports, as in http-api. One
	// that begins with a protocol and a dash, such as grpc-api, says the protocol.
	// +kubebuilder:validation:MaxLength=15
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`
	// +optional
	Name string `json:"name,omitempty"`
}

// ApplicationStatus says how the application is.
type ApplicationStatus struct {
	// ObservedGeneration is the generation of the spec that this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Ready counts the components that are ready, for example 3/4.
	// +optional
	Ready string `json:"ready,omitempty"`
	// Version tells which versions carry the traffic: the one that all components have, or each component's.
	// +optional
	Version string `json:"version,omitempty"`
	// Health tells in a word how the application is.
	// +optional
	Health Health `json:"health,omitempty"`
	// Release tells in a word or two which release is under way.
	// +optional
	Release string `json:"release,omitempty"`
	// Address is where the application answers from outside.
	// +optional
	Address string `json:"address,omitempty"`
	// Exposed is what the application answers at the gateway, such as http://shop.example/cart. No other application may
	// answer the same.
	// +listType=atomic
	// +optional
	Exposed []string `json:"exposed,omitempty"`
	// Components tells the state of each component.
	// +listType=map
	// +listMapKey=name
	// +optional
	Components []ComponentStatus `json:"components,omitempty"`
	// Taken is what was taken over, and how it was, so that it can be given back.
	// +listType=map
	// +listMapKey=kind
	// +listMapKey=name
	// +optional
	Taken []TakenRecord `json:"taken,omitempty"`
	// Injection tells of restarts because of missing sidecars.
	// +listType=map
	// +listMapKey=component
	// +optional
	Injection []InjectionRepair `json:"injection,omitempty"`
	// Conditions are Ready, Applied, Strategies, Routes and, once pods were without a sidecar, Injected.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Health is how an application is, in a word.
//
// +kubebuilder:validation:Enum=Starting;Healthy;Degraded;Down
type Health string

const (
	// Starting is an application that was not healthy yet.
	Starting Health = "Starting"
	// Healthy is one that is as it should be.
	Healthy Health = "Healthy"
	// Degraded is one of which something is not as it should be, while every component answers.
	Degraded Health = "Degraded"
	// Down is one of which a component has no pod that is ready.
	Down Health = "Down"
)

// ComponentStatus is the state of one component.
type ComponentStatus struct {
	Name string `json:"name"`
	// Current is the version that carries the traffic when no release is under way.
	// +optional
	Current string `json:"current,omitempty"`
	// Desired is the version that the spec asks for.
	// +optional
	Desired string `json:"desired,omitempty"`
	// Release names the newest Release of the component.
	// +optional
	Release string `json:"release,omitempty"`
	// Versions are the versions that have pods.
	// +listType=map
	// +listMapKey=version
	// +optional
	Versions []VersionStatus `json:"versions,omitempty"`
	// Message says in words what keeps the component from being ready.
	// +optional
	Message string `json:"message,omitempty"`
	// Calls is what versions that have pods call, by their uses.
	// +listType=atomic
	// +optional
	Calls []string `json:"calls,omitempty"`
	// Warnings are about what works, but not as one may expect.
	// +listType=atomic
	// +optional
	Warnings []string `json:"warnings,omitempty"`
	// Filled tells what the spec leaves out of the component, and what was taken for it.
	// +listType=atomic
	// +optional
	Filled []Filled `json:"filled,omitempty"`
}

// Filled is a field that was left out.
type Filled struct {
	// Field of the component, such as ports[9080].protocol.
	Field string `json:"field"`
	// Value that was taken.
	Value string `json:"value"`
	// Why that one, in words.
	Why string `json:"why"`
}

// VersionStatus tells how many pods of a version are ready.
type VersionStatus struct {
	Version string `json:"version"`
	// Ready pods, with their sidecars.
	Ready int32 `json:"ready"`
	// Replicas wanted.
	Replicas int32 `json:"replicas"`
	// Message says why pods are not ready.
	// +optional
	Message string `json:"message,omitempty"`
}

// Conditions of an Application.
const (
	// ConditionReady is true when every component has all its pods ready.
	ConditionReady = "Ready"
	// ConditionApplied is true when everything generated was accepted by the cluster.
	ConditionApplied = "Applied"
	// ConditionStrategies is true when every Strategy that a component names is there and can be carried out.
	ConditionStrategies = "Strategies"
	// ConditionRoutes is true when nobody else routes, or has rules for, what the components are called by.
	ConditionRoutes = "Routes"
)

// ApplicationList is a list of applications.
//
// +kubebuilder:object:root=true
type ApplicationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Application `json:"items"`
}

// Meshed tells whether the component's pods have sidecars. Default: true; jobs have none, since a sidecar would outlive them.
func (c Component) Meshed() bool { return !c.RunsToEnd() && (c.Mesh == nil || *c.Mesh) }

// RunsToEnd tells whether the component is a job, which nobody calls.
func (c Component) RunsToEnd() bool { return c.Kind == Job || c.Kind == CronJob }

// SideBySide tells whether two versions of the component may have pods at one time. Otherwise a new version takes the
// place of the old one, pod by pod, and there is no Release.
func (c Component) SideBySide() bool { return c.Kind == "" || c.Kind == Deployment }
