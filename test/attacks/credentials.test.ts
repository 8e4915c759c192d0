import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import { startRegistry } from '../../src/embedded/server.ts'
import { faultyProxy } from '../support/faulty-proxy.ts'
import { body, image, manifestOf, referrer, sha256, together, types } from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import { dray, type Ended, warmDray } from '../support/program.ts'
import { reply, scriptedServer } from '../support/scripted-server.ts'
import { toProd, type Workplace, warmWorkplace } from '../support/workplace.ts'

const user = 'ada'
/** One secret for each source, so that a leak shows its source. */
const canaries = {
  registryPassword: 'canary-docker-config-71',
  keyPassword: 'canary-key-password-72',
  jobToken: 'canary-ci-job-token-73',
  userinfo: 'canary-userinfo-74',
  query: 'canary-query-75',
  environment: 'canary-environment-76',
  registryText: 'canary-registry-text-77',
} as const

const api = image({ label: 'api' })
const content = together(api, referrer(api))

/** The variables of a GitLab job with tokens in its URLs, and variables that dray must not read. */
const environment = {
  GITLAB_CI: 'true',
  CI_JOB_TOKEN: canaries.jobToken,
  CI_JOB_NAME: 'promote',
  CI_COMMIT_SHA: 'c0ffee',
  GITLAB_USER_LOGIN: 'grace',
  CI_JOB_URL: `https://gitlab-ci-token:${canaries.jobToken}@gitlab.test/acme/api/-/jobs/9?private_token=${canaries.query}`,
  CI_PROJECT_URL: `https://ada:${canaries.userinfo}@gitlab.test/acme/api`,
  CI_REPOSITORY_URL: `https://gitlab-ci-token:${canaries.jobToken}@gitlab.test/acme/api.git`,
  AWS_SECRET_ACCESS_KEY: canaries.environment,
  DRAY_SOMETHING: canaries.environment,
  KEY_PASSWORD: canaries.keyPassword,
  DRAY_LOG: 'debug',
}

interface Place {
  readonly prod: string
  readonly project: Workplace
  /** reads without authentication */
  readonly oracle: Oracle
}

/** Staging and prod with passwords, prod behind `host`, and an encrypted key for attestations. */
async function place(host: (registry: string) => Promise<string>): Promise<Place> {
  const storage = memoryStorage()
  const open = await startRegistry({ storage })
  const guarded = await startRegistry({
    storage,
    auth: { scheme: 'basic', users: { [user]: canaries.registryPassword } },
  })
  onTestFinished(async () => {
    await open.close()
    await guarded.close()
  })
  const oracle = new Oracle(open.registry)
  await oracle.push(content, 'staging/api', '1.4.2')
  const prod = await host(guarded.registry)
  const project = await warmWorkplace(
    JSON.stringify({
      version: 1,
      environments: {
        staging: { registry: guarded.registry, path: 'staging/{image}' },
        prod: { registry: prod, path: 'prod/{image}', promoteFrom: ['staging'], attest: true },
      },
      audit: { sign: { key: 'key.pem', passwordEnv: 'KEY_PASSWORD' } },
    }),
    environment,
  )
  const { privateKey } = generateKeyPairSync('ed25519')
  const cipher = { cipher: 'aes-256-cbc', passphrase: canaries.keyPassword }
  await writeFile(
    join(project.folder, 'key.pem'),
    privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }),
  )
  await mkdir(join(project.folder, '.docker'))
  const auth = Buffer.from(`${user}:${canaries.registryPassword}`).toString('base64')
  const auths = { [guarded.registry]: { auth }, [prod]: { auth } }
  await writeFile(join(project.folder, '.docker', 'config.json'), JSON.stringify({ auths }))
  return { prod, project, oracle }
}

function expectNoCanary(text: string): void {
  const hidden = [
    ...Object.values(canaries),
    Buffer.from(`${user}:${canaries.registryPassword}`).toString('base64'),
    // These characters of its Base64 do not depend on the text around it.
    Buffer.from(` ${canaries.registryPassword} `).toString('base64url').slice(2, -3),
    'BEGIN ENCRYPTED',
  ]
  const all = text.toLowerCase()
  expect(hidden.filter((one) => all.includes(one.toLowerCase()))).toEqual([])
}

async function allOf({ project }: Place, ended: Ended): Promise<string> {
  return [ended.stdout, ended.stderr, await readFile(project.auditFile, 'utf8')].join('\n')
}

it('the log, the attestation and the output contain no credential, token, password or variable', async () => {
  const at = await place(async (registry) => registry)
  const ended = await at.project.run(...toProd('api:1.4.2'), '--verbose')
  expect(ended).toMatchObject({ code: 0 })
  const all = await allOf(at, ended)
  // This shows that the variables of the job were read.
  expect(all).toContain('"user":"grace"')
  expect(all).toContain('https://gitlab.test/acme/api/-/jobs/9')
  expectNoCanary(all)
  const referrers = await at.oracle.referrers('prod/api', api.root.digest)
  expect(referrers).toHaveLength(2)
  for (const digest of referrers) {
    const manifest = (await at.oracle.manifest('prod/api', digest))?.bytes.toString() ?? ''
    const { layers } = JSON.parse(manifest) as { layers: { digest: string }[] }
    const blob = (await at.oracle.get(`/v2/prod/api/blobs/${layers[0]?.digest}`)).body.toString()
    const payload = (JSON.parse(blob) as { dsseEnvelope?: { payload: string } }).dsseEnvelope?.payload ?? ''
    expectNoCanary([manifest, blob, Buffer.from(payload, 'base64').toString()].join('\n'))
  }
  const history = await at.project.run('history', 'api', '--verbose')
  expect(history).toMatchObject({ code: 0, stdout: expect.stringContaining('grace') })
  expectNoCanary(history.stdout + history.stderr)
})

it('the message of a refusal is shown without the credentials and secret URLs that the registry repeats', async () => {
  const pair = Buffer.from(`${user}:${canaries.registryPassword}`).toString('base64')
  const message = `denied: ada sent ${pair} as Basic ${pair} for https://ada:${canaries.userinfo}@store.test/x?X-Amz-Signature=${canaries.query} (Authorization: Bearer ${canaries.registryText})`
  const at = await place(async (registry) => {
    const proxy = await faultyProxy(registry, {
      at: { method: 'PUT', path: /manifests\/1\.4\.2/ },
      times: Infinity,
      injury: {
        kind: 'answer',
        status: 400,
        headers: { 'content-type': 'application/json' },
        body: { errors: [{ code: 'DENIED', message }] },
      },
    })
    onTestFinished(() => proxy[Symbol.asyncDispose]())
    return proxy.host
  })
  const ended = await at.project.run(...toProd('api:1.4.2'), '--verbose')
  expect(ended).toMatchObject({ code: 1 })
  const all = await allOf(at, ended)
  // The rest of the message is shown.
  expect(all).toContain('store.test/x')
  expectNoCanary(all)
})

it('secrets that a registry repeats in any field are not printed, recorded, reported or stored', async () => {
  const pair = Buffer.from(`${user}:${canaries.registryPassword}`).toString('base64')
  const password = canaries.registryPassword
  const echo = `${password} ${encodeURIComponent(`${user}:${password}`)} ${pair} ${Buffer.from(` ${password} `).toString('base64url')}`
  const at = await place(async (registry) => {
    const proxy = await faultyProxy(
      registry,
      {
        at: { method: 'PUT', path: /manifests\/1\.4\.2/ },
        times: Infinity,
        injury: {
          kind: 'answer',
          status: 400,
          headers: { 'content-type': 'application/json', warning: `299 - "${echo}"` },
          body: { errors: [{ code: password.toUpperCase(), message: `${'x'.repeat(980)} ${echo}` }] },
        },
      },
      { at: {}, times: Infinity, injury: { kind: 'headers', set: { warning: `299 - "${echo}"` } } },
    )
    onTestFinished(() => proxy[Symbol.asyncDispose]())
    return proxy.host
  })
  const { folder } = at.project
  const ended = await warmDray([...toProd('api:1.4.2'), '--verbose', '--report', 'dotenv=report.env'], {
    cwd: folder,
    env: {
      ...environment,
      HOME: folder,
      DRAY_AUDIT_FILE: at.project.auditFile,
      GITHUB_ACTIONS: 'true',
      GITHUB_OUTPUT: join(folder, 'output'),
      GITHUB_STEP_SUMMARY: join(folder, 'summary'),
    },
  })
  const listed = await warmDray(['ls', `${at.prod}/prod/api`, '--json'], {
    cwd: folder,
    env: { HOME: folder },
  })
  expect([ended.code, listed.code]).toEqual([1, 0])
  expect(listed.stdout).toContain('warnings')
  const kept: string[] = []
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const isOurs = !['dray.yaml', 'key.pem', 'config.json'].includes(file.name)
    if (file.isFile() && isOurs) kept.push(await readFile(join(file.parentPath, file.name), 'latin1'))
  }
  expect(kept.length).toBeGreaterThan(2)
  expectNoCanary([ended.stdout, ended.stderr, listed.stdout, listed.stderr, ...kept].join('\n'))
})

it('URLs of foreign layers are never requested', async () => {
  const thief = await scriptedServer((_, response) => reply(response, 200))
  onTestFinished(() => thief[Symbol.asyncDispose]())
  const at = await place(async (registry) => registry)
  const { config, layers } = body(api) as { config: object; layers: object[] }
  const elsewhere = {
    mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    digest: sha256('a layer of a vendor'),
    size: 19,
    urls: [`${thief.origin}/layer`, thief.origin.replace('//', `//${user}:x@`)],
  }
  const manifest = manifestOf(types.manifest, { config, layers: [...layers, elsewhere] })
  await at.oracle.push({ ...api, root: manifest.descriptor, manifests: [manifest] }, 'staging/api', '2.0.0')
  expect(await at.project.run(...toProd('api:2.0.0'), '--verbose')).toMatchObject({ code: 0 })
  expect(await at.oracle.manifest('prod/api', '2.0.0')).toMatchObject({ digest: manifest.descriptor.digest })
  expect(thief.connections()).toBe(0)
})

it('the error of a key with a wrong password does not contain the password', async () => {
  const at = await place(async (registry) => registry)
  await writeFile(
    join(at.project.folder, 'dray.yaml'),
    (await readFile(join(at.project.folder, 'dray.yaml'), 'utf8')).replace('KEY_PASSWORD', 'DRAY_SOMETHING'),
  )
  const ended = await at.project.run(...toProd('api:1.4.2'), '--verbose')
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('password') })
  expectNoCanary(ended.stdout + ended.stderr)
})

it.each<[string, (port: string) => Parameters<typeof reply> extends [unknown, ...infer Rest] ? Rest : never]>(
  [
    ['redirects', (port) => [307, { location: `http://localhost:${port}/elsewhere` }]],
    [
      'names a token server',
      (port) => [401, { 'www-authenticate': `Bearer realm="http://localhost:${port}/token"` }],
    ],
    [
      'names the next page',
      (port) => [
        200,
        { link: `<http://localhost:${port}/next>; rel="next"` },
        '{"name":"team/api","tags":["1"]}',
      ],
    ],
  ],
)('a registry that %s to another name of its machine gets no credentials there', async (_, answer) => {
  const registry = await scriptedServer(({ headers, path }, response) => {
    if (headers.host?.startsWith('localhost') === true)
      return reply(response, 200, {}, '{"token":"x","tags":[]}')
    if (headers.authorization === undefined || path === '/v2/') {
      return reply(response, 401, { 'www-authenticate': 'Basic realm="x"' })
    }
    reply(response, ...answer(registry.host.split(':')[1] ?? ''))
  })
  onTestFinished(() => registry[Symbol.asyncDispose]())
  const auth = Buffer.from(`${user}:${canaries.registryPassword}`).toString('base64')
  const ended = await warmDray(['ls', `${registry.host}/team/api`, '--verbose'], {
    env: { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [registry.host]: { auth } } }) },
  })
  const byName = Object.groupBy(registry.seen, ({ headers }) => headers.host?.split(':')[0] ?? '')
  expect(byName['127.0.0.1']?.some(({ headers }) => headers.authorization === `Basic ${auth}`)).toBe(true)
  expect(byName['localhost']?.filter(({ headers }) => headers.authorization !== undefined) ?? []).toEqual([])
  expectNoCanary(ended.stdout + ended.stderr)
})

it('credential helpers get secrets on standard input and never as arguments', async () => {
  const at = await warmWorkplace('version: 1\n')
  const guarded = await startRegistry({
    auth: { scheme: 'basic', users: { [user]: canaries.registryPassword } },
  })
  onTestFinished(() => guarded.close())
  const helper = join(at.folder, 'docker-credential-fake')
  const log = join(at.folder, 'arguments')
  const answer = JSON.stringify({ Username: user, Secret: canaries.registryPassword })
  await writeFile(
    helper,
    `#!/bin/sh\necho "$#:$*" >> '${log}'\ncat >> '${log}.input'\n[ "$1" = get ] && echo '${answer}'\nexit 0\n`,
  )
  await chmod(helper, 0o755)
  await mkdir(join(at.folder, '.docker'))
  await writeFile(join(at.folder, '.docker', 'config.json'), JSON.stringify({ credsStore: 'fake' }))
  const options = {
    cwd: at.folder,
    env: { HOME: at.folder, PATH: `${at.folder}:${process.env['PATH']}`, STDIN: canaries.registryPassword },
  }
  const login = await dray(['login', guarded.registry, '--username', user, '--password-stdin', '--verbose'], {
    ...options,
    under: ['sh', '-c', 'printf %s "$STDIN" | "$@"', 'sh'],
  })
  const listing = await warmDray(['ls', `${guarded.registry}/team/api`, '--verbose'], options)
  const logout = await warmDray(['logout', guarded.registry, '--verbose'], options)
  expect(login.code).toBe(0)
  expect(new Set((await readFile(log, 'utf8')).trim().split('\n'))).toEqual(
    new Set(['1:store', '1:get', '1:erase']),
  )
  expect(await readFile(`${log}.input`, 'utf8')).toContain(canaries.registryPassword)
  for (const { stdout, stderr } of [login, listing, logout]) expectNoCanary(stdout + stderr)
})
