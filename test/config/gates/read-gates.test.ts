import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { gatesAt, hasGates } from '../../../src/config/gates/gates-at.ts'
import { parseRepository } from '../../../src/oci/reference.ts'
import { readGatedConfig } from '../../support/gates/read-gated-config.ts'

const example = readFileSync(join(import.meta.dirname, 'example.yaml'), 'utf8')

describe('the example of every kind', async () => {
  const { config } = await readGatedConfig(example)

  it('has the gates with their defaults', () => {
    const gates = config.environments.get('prod')?.gates ?? []
    const base = {
      environment: 'prod',
      images: ['*'],
      excludeImages: [],
      operations: ['promote', 'copy', 'tag', 'sync'],
      mode: 'enforce',
      override: 'allowed',
    }
    const at = (i: number): unknown => ({ ...base, path: ['environments', 'prod', 'gates', i] })
    expect(gates).toEqual(
      [
        {
          name: 'signed',
          appliesTo: 'image',
          kind: 'signature',
          signedBy: ['build'],
          count: 1,
          annotations: { channel: 'release' },
        },
        {
          name: 'provenance',
          appliesTo: 'image',
          kind: 'attestation',
          type: 'https://slsa.dev/provenance/v1',
          signedBy: ['build'],
          count: 1,
          expression: 'predicate.runDetails.builder.id.startsWith("https://github.com/acme/")',
          newestOnly: false,
        },
        {
          name: 'scan',
          appliesTo: 'platforms',
          kind: 'scan',
          signedBy: ['scanner'],
          failOn: 'high',
          maxAgeMs: 86_400_000,
          vexSignedBy: ['security'],
          exceptions: [{ id: 'CVE-2026-1234', expires: '2027-01-31', reason: 'OPS-90: not reachable' }],
          unknownSeverity: 'critical',
          ignoreUnfixed: false,
          allowReportFile: false,
        },
        {
          name: 'sbom',
          appliesTo: 'platforms',
          kind: 'sbom',
          signedBy: ['build'],
          formats: ['spdx', 'cyclonedx'],
          minComponents: 1,
        },
        {
          name: 'soak',
          appliesTo: 'image',
          kind: 'soak',
          soakEnvironment: 'staging',
          minSoakMs: 86_400_000,
          signedBy: ['promotions'],
          requireCurrent: false,
        },
        {
          name: 'approved',
          appliesTo: 'image',
          kind: 'approvals',
          count: 2,
          approvers: ['leads'],
          maxAgeMs: 7 * 86_400_000,
          allowSelfApproval: false,
        },
        { name: 'complete', appliesTo: 'image', kind: 'completeness', signedBy: ['promotions'] },
        {
          name: 'same-run',
          appliesTo: 'image',
          kind: 'cel',
          message: 'one CI run must build and scan the image',
          expression: expect.stringContaining('attestations.scan.all(s, attestations.provenance.exists(p,'),
        },
      ].map((own, i) => Object.assign({}, at(i), own)),
    )
  })

  it('has the signers and approvers with absolute paths', () => {
    expect(config.trust?.signers.get('build')).toEqual({
      path: ['signers', 'build'],
      keys: [],
      keyless: {
        issuer: 'https://token.actions.githubusercontent.com',
        subject: 'https://github.com/acme/{image}/.github/workflows/release.yml@refs/tags/v*',
        claims: { runnerEnvironment: 'github-hosted' },
        trustedRoot: '/x/trust/trusted_root.json',
        transparencyLog: 'required',
      },
    })
    expect(config.trust?.signers.get('promotions')?.keys).toEqual([
      { file: '/x/trust/new.pub' },
      { file: '/x/trust/old.pub', expires: '2026-06-30' },
    ])
    expect(config.trust?.approvers.get('leads')?.get('bob')).toEqual({
      path: ['approvers', 'leads', 'bob'],
      keys: [{ file: '/x/trust/bob.pub' }],
      actors: ['github:bob'],
    })
  })

  it('has the residency and the requirements with patterns', () => {
    expect(config.residency).toEqual({
      default: 'allow',
      rules: [
        {
          path: ['residency', 'rules', 0],
          images: ['customer-*'],
          allow: ['eu.registry.example.com/**'],
        },
      ],
    })
    expect(config.environments.get('prod')?.require).toEqual([
      { name: 'reason' },
      { name: 'ticket', pattern: String.raw`OPS-\d+` },
    ])
  })
})

describe('gatesAt', async () => {
  const { config } = await readGatedConfig(`version: 1
registries:
  r.example.com: { aliases: [mirror.example.com/eu] }
signers: { ci: { keys: [ci.pub] } }
environments:
  dev: { registry: r.example.com, path: "dev/{image}" }
  all: { registry: r.example.com, path: "{image}", gates: [{ name: a, signature: { signedBy: [ci] } }] }
  prod:
    targets: [{ registry: r.example.com, path: "prod/{image}" }, { registry: us.example.com, path: "{image}" }]
    gates: [{ name: b, signature: { signedBy: [ci] } }, { name: c, sbom: {}, images: ["web*"] }]
`)
  const found = (repository: string): readonly string[] =>
    gatesAt(config, parseRepository(repository)).map(
      ({ gate, image }) => `${gate.environment}/${gate.name} ${image}`,
    )

  it.each([
    ['r.example.com/prod/api', ['prod/b api', 'prod/c api', 'all/a prod/api']],
    ['r.example.com:443/prod/api', ['prod/b api', 'prod/c api', 'all/a prod/api']],
    ['mirror.example.com/eu/prod/api', ['prod/b api', 'prod/c api', 'all/a prod/api']],
    ['us.example.com/api', ['prod/b api', 'prod/c api']],
    ['r.example.com/dev/api', ['all/a dev/api']],
    ['other.example.com/api', []],
  ])('returns the gates of every environment that holds %s', (repository, expected) => {
    expect(found(repository)).toEqual(expected)
  })

  it('returns those of a repository that no image has, because its image has another one', async () => {
    const renamed = await readGatedConfig(`version: 1
signers: { ci: { keys: [ci.pub] } }
images: { api: { name: backend } }
environments:
  prod: { registry: r.io, path: "prod/{image}", gates: [{ name: a, signature: { signedBy: [ci] } }] }
`)
    const at = (path: string) => gatesAt(renamed.config, parseRepository(`r.io/prod/${path}`))
    expect(['backend', 'api', 'web'].flatMap((path) => at(path).map(({ image }) => image))).toEqual([
      'api',
      'api',
      'web',
    ])
  })

  it('is empty without gates', async () => {
    const none = await readGatedConfig(
      'version: 1\nenvironments:\n  dev: { registry: r.io, path: "{image}" }\n',
    )
    expect([hasGates(none.config), hasGates(config)]).toEqual([false, true])
    expect(gatesAt(none.config, parseRepository('r.io/api'))).toEqual([])
  })
})
