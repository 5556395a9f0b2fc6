import type { ServiceIntent } from '#spec/compose-spec.ts';

interface KnownProject {
  readonly text: string;
  readonly profiles: readonly string[];
  readonly intents: readonly ServiceIntent[];
}

const handler = (name: string): ServiceIntent => ({ name, behavior: 'interceptHandler' });
const remote = (name: string): ServiceIntent => ({ name, behavior: 'remote' });

/** Projects as people have them. */
export const projects: Readonly<Record<string, KnownProject>> = {
  shop: {
    profiles: [],
    intents: [handler('web'), remote('api')],
    text: `
services:
  web:
    build: {context: ., args: {VERSION: "1"}, target: dev}
    ports: ["8080:80", "127.0.0.1:9229:9229", "9000-9002:9000-9002/udp"]
    depends_on: {api: {condition: service_healthy}, cache: {condition: service_started, restart: true}}
    environment: [A=1, "B=x$$y", UNSET]
    volumes: [".:/app", "/app/node_modules", "conf:/etc/settings:ro", {type: tmpfs, target: /run/x}]
    develop: {watch: [{action: sync, path: ./src, target: /app/src}, {action: rebuild, path: package.json}]}
    networks: [front, back]
    healthcheck: {test: curl -f http://localhost, interval: 30s, start_period: 5s}
    links: [db]
    expose: ["80"]
    hostname: web
    extra_hosts: ["a:1.2.3.4", "host.docker.internal:host-gateway"]
    logging: {driver: json-file, options: {max-size: 10m}}
    ulimits: {nofile: {soft: 1024, hard: 2048}}
    deploy: {replicas: 1, resources: {limits: {cpus: "0.5", memory: 64M}}}
  api:
    image: api
    depends_on: {db: {condition: service_healthy}, migrate: {condition: service_completed_successfully}}
  migrate: {image: api, command: ["migrate", "--yes"], depends_on: {db: {condition: service_healthy}}}
  db:
    image: postgres:16
    environment: {POSTGRES_PASSWORD: secret}
    volumes: ["pg:/var/lib/postgresql/data"]
    healthcheck: {test: ["CMD-SHELL", "pg_isready -U postgres"], interval: 5s, retries: 5}
    networks: [back]
  cache: {image: "redis:7", restart: always, networks: [back]}
networks: {front: {}, back: {driver: bridge, ipam: {config: [{subnet: 10.99.0.0/24}]}}}
volumes: {pg: {}, conf: {}}
`,
  },
  anchors: {
    profiles: ['debug'],
    intents: [handler('app'), remote('broker')],
    text: `
x-base: &base
  restart: unless-stopped
  environment: &env {LOG: debug, PORT: "8080"}
services:
  app: {<<: *base, image: app, depends_on: [broker, worker], secrets: [key], configs: [conf]}
  worker:
    <<: *base
    image: app
    environment: {<<: *env, QUEUE: "0x1F"}
    depends_on: [broker]
    network_mode: host
  broker: {image: rabbitmq, depends_on: [store]}
  store: {image: minio, command: server /data, volumes: ["/data"]}
  shell: {image: busybox, profiles: [debug], stdin_open: true, tty: true, network_mode: "service:app"}
  other: {image: busybox, profiles: [never]}
secrets: {key: {environment: HOME}}
configs: {conf: {content: "a: \${HOME}"}}
`,
  },
  extends: {
    profiles: [],
    intents: [handler('web'), handler('admin')],
    text: `
name: with-a-name
services:
  common: {image: php, environment: {A: "1"}, volumes: ["src:/src"], labels: {a: b}}
  web: {extends: common, ports: [{target: 80, published: "8080", protocol: tcp, host_ip: "::1"}]}
  admin: {extends: {service: common}, volumes_from: ["common:ro"], expose: ["81"], dns: [1.1.1.1], cap_add: [SYS_PTRACE]}
networks: {default: {name: mine, driver_opts: {com.docker.network.driver.mtu: "1400"}}}
volumes: {src: {external: true}}
`,
  },
};
