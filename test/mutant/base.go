// SPDX-License-Identifier: Apache-2.0

package mutant

// Components are good components that between them say something in every field, in YAML.
const Components = `
- name: page
  kind: Deployment
  image: page:v1
  version: "1.0"
  command: [page]
  args: [--verbose]
  env:
    - {name: A, value: b}
    - {name: OF_FIELD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  envFrom: [{prefix: P_, configMapRef: {name: settings, optional: true}}]
  volumes:
    - {name: scratch, path: /scratch, emptyDir: {}}
    - {name: settings, path: /settings, configMap: settings, readOnly: true}
  ports:
    - {port: 80, target: 8080, protocol: http, name: web}
    - {port: 81, appProtocol: http}
  replicas: 1
  resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: "1", memory: 64Mi}}
  readiness:
    httpGet: {path: /ready, port: web, scheme: HTTP, httpHeaders: [{name: X-A, value: b}]}
    periodSeconds: 5
    timeoutSeconds: 2
    successThreshold: 1
    failureThreshold: 3
    initialDelaySeconds: 1
  liveness: {tcpSocket: {port: 80}, periodSeconds: 10}
  startup: {exec: {command: [started]}, failureThreshold: 30}
  init: [{name: first, image: "first:v1", command: [first], args: [now], env: [{name: A, value: b}]}]
  pullSecrets: [registry]
  template:
    labels: {team: front}
    annotations: {example.com/about: words}
    spec: {terminationGracePeriodSeconds: 30, nodeSelector: {kubernetes.io/os: linux}}
  uses: [reviews]
  strategy: quick
  mesh: true
  expose: {hosts: [shop.example], paths: [/], port: 80}
- name: reviews
  image: reviews:v1
  ports: [{port: 9080, protocol: http}]
  autoscale: {min: 1, max: 3, cpu: 80, memory: 80}
  strategy: quick`

// Others are components of the kinds whose fields a Deployment does not have.
const Others = `
- name: db
  kind: StatefulSet
  image: db:v1
  ports: [{port: 5432}]
  claims: [{name: data, path: /data, size: 1Gi, storageClass: fast}]
- name: report
  kind: CronJob
  image: report:v1
  schedule: "0 3 * * *"
- name: migrate
  kind: Job
  image: migrate:v1`
