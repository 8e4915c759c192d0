import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AccessEntry } from '../../src/embedded/access/access.ts'
import type { ProfileName } from '../../src/embedded/profiles.ts'
import { type Content, image, referrer, together } from '../support/images.ts'
import { toProd, type Workplace, warmWorkplace } from '../support/workplace.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

const api = image({ label: 'api', layers: 3 })
const sbom = referrer(api)
const content = together(api, sbom)
const digest = api.root.digest

interface Setup {
  readonly attest?: boolean
  readonly require?: readonly string[]
  readonly sign?: boolean
  readonly profile?: ProfileName
  /** the content of staging; by default the image with its SBOM */
  readonly image?: Content
}

interface Place {
  readonly registry: WatchedRegistry
  readonly project: Workplace
  /** digests of the attestations at prod */
  attestations(): Promise<readonly string[]>
}

/** staging and prod in one registry, and `api:1.4.2` with an SBOM in staging. */
async function place({
  attest,
  require,
  sign,
  profile = 'oci-1.1',
  image: pushed = content,
}: Setup = {}): Promise<Place> {
  const registry = await watchedRegistry(profile)
  onTestFinished(() => registry[Symbol.asyncDispose]())
  await registry.oracle.push(pushed, 'staging/api', '1.4.2')
  const at = { registry: registry.host }
  const prod = { ...at, path: 'prod/{image}', promoteFrom: ['staging'], attest, require }
  const project = await warmWorkplace(
    JSON.stringify({
      version: 1,
      environments: { staging: { ...at, path: 'staging/{image}' }, prod },
      ...(sign === true && { audit: { sign: { key: 'key.pem' } } }),
    }),
  )
  const { privateKey } = generateKeyPairSync('ed25519')
  if (sign === true)
    await writeFile(join(project.folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  registry.forget()
  return {
    registry,
    project,
    attestations: async () => {
      const listed = await registry.oracle.referrers('prod/api', digest)
      return listed.filter((one) => one !== sbom.root.digest)
    },
  }
}

interface Manifest {
  readonly artifactType: string
  readonly config: { readonly digest: string }
  readonly layers: readonly { readonly mediaType: string; readonly digest: string }[]
  readonly subject: { readonly digest: string }
}

async function manifestOf({ registry }: Place, attestation = ''): Promise<Manifest> {
  const found = await registry.oracle.manifest('prod/api', attestation)
  return JSON.parse(found?.bytes.toString() ?? '') as Manifest
}

interface Statement {
  readonly subject: readonly { readonly digest: Readonly<Record<string, string>> }[]
  readonly predicateType: string
  readonly predicate: Readonly<Record<string, unknown>>
}

async function statementOf(at: Place, attestation = ''): Promise<Statement> {
  const { layers } = await manifestOf(at, attestation)
  const blob = await at.registry.oracle.get(`/v2/prod/api/blobs/${layers[0]?.digest}`)
  const body = JSON.parse(blob.body.toString()) as Statement & { dsseEnvelope?: { payload: string } }
  if (body.dsseEnvelope === undefined) return body
  return JSON.parse(Buffer.from(body.dsseEnvelope.payload, 'base64').toString()) as Statement
}

const isWrite = ({ method }: AccessEntry): boolean => method !== 'GET' && method !== 'HEAD'
const formatRequests = (requests: readonly AccessEntry[]): string =>
  requests.map((r) => `${r.status} ${r.method} ${r.path}`).join('\n')

describe('an attestation', () => {
  it.each([
    ['is written if the environment has attest: true', { attest: true }, [], 1],
    ['is not written if the environment has no attest', {}, [], 0],
    ['is written with --attest if the environment has no attest', {}, ['--attest'], 1],
    ['is not written with --no-attest', { attest: true }, ['--no-attest'], 0],
  ] as const)('%s', async (_, options, flags, count) => {
    const at = await place(options)
    expect(await at.project.run(...toProd('api:1.4.2', ...flags))).toMatchObject({ code: 0 })
    expect(await at.attestations()).toHaveLength(count)
  })

  it('contains source, destination, tags, actor, reason and ticket of the promotion', async () => {
    const at = await place({ attest: true })
    const flags = ['--reason', 'release 1.4.2', '--ticket', 'OPS-7', '--actor', 'ada']
    await at.project.run(...toProd('api:1.4.2', ...flags))
    const [attestation] = await at.attestations()
    const { subject, predicateType, predicate } = await statementOf(at, attestation)
    expect(subject).toMatchObject([{ digest: { sha256: digest.slice(7) } }])
    expect(predicateType).toBe('urn:dray:promotion:v1')
    const { host } = at.registry
    expect(predicate).toMatchObject({
      srcRef: `${host}/staging/api:1.4.2@${digest}`,
      dstRef: `${host}/prod/api`,
      tags: ['1.4.2'],
      tagsBefore: { '1.4.2': null },
      actor: { says: 'ada' },
      reason: 'release 1.4.2',
      ticket: 'OPS-7',
      evidence: [sbom.root.digest],
    })
    const [line = ''] = (await readFile(at.project.auditFile, 'utf8')).split('\n')
    const { run, plan, policy } = JSON.parse(line) as Record<string, string>
    expect(predicate).toMatchObject({ run, plan, policy })
  })

  it('is not written by a run that changes nothing or only attaches evidence', async () => {
    const at = await place({ attest: true })
    await at.project.run(...toProd('api:1.4.2'))
    at.registry.forget()
    expect(await at.project.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
    expect(formatRequests(at.registry.requests.filter(isWrite))).toBe('')
    const late = referrer(api, { payload: 'a later SBOM' })
    await at.registry.oracle.push(late, 'staging/api')
    expect(await at.project.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
    const listed = await at.attestations()
    expect(listed).toContain(late.root.digest)
    expect(listed).toHaveLength(2)
  })

  it('is written for a copy only with --attest', async () => {
    const at = await place({ attest: true })
    const copy = ['copy', '@staging/api:1.4.2', '@prod/api', '--yes']
    expect(await at.project.run(...copy)).toMatchObject({ code: 0 })
    expect(await at.attestations()).toEqual([])
    expect(await at.project.run(...copy, '--tag', 'again', '--attest')).toMatchObject({ code: 0 })
    expect(await at.attestations()).toHaveLength(1)
  })
})

describe('a signing key', () => {
  it('that cannot be read ends the run before the first change', async () => {
    const at = await place({ attest: true, sign: true })
    await writeFile(join(at.project.folder, 'key.pem'), 'no key')
    expect(await at.project.run(...toProd('api:1.4.2'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('key.pem'),
    })
    expect(formatRequests(at.registry.requests.filter(isWrite))).toBe('')
  })
})

describe.each(['oci-1.1', 'docker-registry-2.8'] as const)('an attestation at %s', (profile) => {
  it('is written after the evidence and before the first tag', async () => {
    const at = await place({ profile, attest: true })
    expect(await at.project.run(...toProd('api:1.4.2', '--tag', '1.4.2', '--tag', 'latest'))).toMatchObject({
      code: 0,
    })
    const [attestation] = await at.attestations()
    const puts = at.registry.requests
      .filter((r) => r.method === 'PUT' && r.kind === 'manifest')
      .map((r) => r.reference ?? '')
    const position = (name = ''): number => {
      expect(puts).toContain(name)
      return puts.lastIndexOf(name)
    }
    const fallback = digest.replace(':', '-')
    const last = profile === 'oci-1.1' ? position(attestation) : position(fallback)
    expect(position(sbom.root.digest)).toBeLessThan(position(attestation))
    expect(last).toBeLessThan(puts.indexOf('1.4.2'))
    expect(puts.indexOf('1.4.2')).toBeLessThan(puts.indexOf('latest'))
  })

  it('is a step of a plan file, and is written once if the plan is applied twice', async () => {
    const at = await place({ profile, attest: true, sign: true })
    const saved = await at.project.run(
      'promote',
      'api:1.4.2',
      '--from',
      'staging',
      '--to',
      'prod',
      '--out',
      'plan.json',
    )
    expect(saved).toMatchObject({ code: 0 })
    const plan = await readFile(join(at.project.folder, 'plan.json'), 'utf8')
    const { steps } = JSON.parse(plan) as { steps: readonly { kind: string }[] }
    expect(steps.map(({ kind }) => kind)).toEqual(['copy', 'attach', 'attest', 'tag'])
    expect(await at.project.run('plan', 'show', 'plan.json')).toMatchObject({ code: 0 })
    expect(await at.project.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
    const first = await at.attestations()
    expect(first).toHaveLength(1)
    at.registry.forget()
    expect(await at.project.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
    expect(formatRequests(at.registry.requests.filter(isWrite))).toBe('')
    expect(await at.attestations()).toEqual(first)
  })
})

describe('a justification', () => {
  const commands: readonly (readonly [string, readonly string[]])[] = [
    ['copy to a reference', ['copy', '@staging/api:1.4.2', 'HOST/prod/api', '--yes']],
    ['apply', ['apply', 'plan.json', '--yes']],
  ]

  it.each(commands)(
    'is required before the first change if the environment says so: %s',
    async (_, command) => {
      const at = await place({ attest: true, require: ['reason', 'ticket'] })
      const args = command.map((arg) => arg.replace('HOST', at.registry.host))
      await at.project.run('promote', 'api:1.4.2', '--from', 'staging', '--to', 'prod', '--out', 'plan.json')
      for (const given of [[], ['--reason', 'release'], ['--reason', 'release', '--ticket', ' ']]) {
        const missing = given.length === 0 ? 'reason' : 'ticket'
        const refused = await at.project.run(...args, ...given)
        expect(refused).toMatchObject({
          code: 3,
          stderr: expect.stringContaining(`the change of prod has no ${missing}`),
        })
        expect(refused.stderr).toContain(`--${missing}`)
      }
      expect(formatRequests(at.registry.requests.filter(isWrite))).toBe('')
      expect(await at.project.run(...args, '--reason', 'release', '--ticket', 'OPS-7')).toMatchObject({
        code: 0,
      })
      const lines = (await readFile(at.project.auditFile, 'utf8')).trimEnd().split('\n')
      const records = lines.map((line) => JSON.parse(line) as { readonly phase: string })
      const refusals = records.filter(({ phase }) => phase === 'refused')
      expect(refusals).toHaveLength(3)
      for (const one of refusals)
        expect(one).toMatchObject({ image: expect.any(String), error: { code: 'refused' } })
      const changes = records.filter(({ phase }) => phase !== 'refused')
      for (const one of changes) expect(one).toMatchObject({ reason: 'release', ticket: 'OPS-7' })
    },
  )

  it('is not required of a run that changes nothing or only shows the plan', async () => {
    const at = await place({ require: ['reason'] })
    const shown = await at.project.run(
      'promote',
      'api:1.4.2',
      '--from',
      'staging',
      '--to',
      'prod',
      '--dry-run',
    )
    expect(shown).toMatchObject({ code: 0 })
    await at.project.run(...toProd('api:1.4.2', '--reason', 'release'))
    expect(await at.project.run(...toProd('api:1.4.2'))).toMatchObject({ code: 0 })
  })
})
