import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { importSyncFile } from '../../../src/config/sync/import/import-sync-file.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import type { SyncRule } from '../../../src/config/sync/sync-rule.ts'
import { syncRulesOf } from '../../../src/config/sync/sync-rules.ts'
import { isDrayError } from '../../../src/lib/errors.ts'

/** Reads the result as a dray.yaml, which must be valid. */
function rulesOf(yaml: string): readonly SyncRule[] {
  const content = `version: 1\n${yaml}`
  return syncRulesOf(parseConfig({ file: '/etc/dray/dray.yaml', content }, 'dray.yaml'), 0)
}

const regsync = `version: 1
x-tags: &tags
  allow: [latest, 3.10, 'v\\d+\\.\\d+']
  deny: ['.*-rc.*']
creds:
  - registry: localhost:5000
    tls: disabled
    reqConcurrent: 4
  - registry: docker.io
    user: hub-user
    pass: s3cret
    token: t0ken
defaults:
  ratelimit: { min: 100, retry: 15m }
  parallel: 2
sync:
  - source: busybox:latest
    target: localhost:5000/library/busybox:latest
    type: image
    schedule: "15 3 * * *"
    backup: "backup-{{.Ref.Tag}}"
  - source: alpine
    target: localhost:5000/library/alpine
    type: repository
    tags: *tags
    platform: linux/amd64
  - source: quay.io/team/api
    target: localhost:5000/api
    type: repository
    tagSets:
      - allow: [edge]
      - semverRange: [">=3.5.1 <4.0", ">= 5"]
  - source: ghcr.io
    target: localhost:5000/ghcr
    type: registry
    repos: { allow: ["team/.*", "a|b"], deny: ["team/x"] }
  - source: gcr.io/a/b:1
    target: localhost:5000/a/b:2
    type: image
  - source: ocidir:///srv/images:1.0
    target: localhost:5000/images:1.0
    type: image
`

describe('a regsync.yml', () => {
  const { yaml, warnings } = importSyncFile(regsync)

  it('becomes valid sections of dray.yaml', () => {
    expect(rulesOf(yaml)).toMatchObject([
      {
        name: 'library-busybox',
        from: { registry: 'docker.io', prefix: '' },
        repositories: [{ text: 'library/busybox' }],
        to: [{ registry: 'localhost:5000', path: 'library/busybox' }],
        include: [{ tags: { globs: ['latest'] } }],
      },
      {
        name: 'library-alpine',
        include: [
          { tags: { globs: ['latest'] } },
          { tags: { regex: { source: '3.10' } } },
          { tags: { regex: { source: String.raw`v\d+\.\d+` } } },
        ],
        exclude: [{ regex: { source: '.*-rc.*' } }],
        platforms: [{ os: 'linux', architecture: 'amd64' }],
      },
      {
        name: 'team-api',
        include: [{ tags: { globs: ['edge'] } }, { tags: { text: '>=3.5.1 <4.0 || >=5' } }],
      },
      {
        name: 'ghcr-io',
        repositories: [{ text: 'team/**' }],
        to: [{ path: 'ghcr/{repository}' }],
      },
      { from: { kind: 'layout', folder: '/srv/images' }, include: [{ tags: { globs: ['1.0'] } }] },
    ])
  })

  it('has its connection settings and limits under registries', () => {
    const { config } = parseConfig(
      { file: '/etc/dray/dray.yaml', content: `version: 1\n${yaml}` },
      'dray.yaml',
    )
    expect(config.registries.get('localhost:5000')).toEqual({ insecure: true, concurrency: 4 })
    expect(config.registries.get('docker.io')).toEqual({ reservePulls: 100 })
  })

  it.each([
    '`schedule` "15 3 * * *" has no equivalent: start `dray sync` from cron or CI.',
    '`backup` has no equivalent: dray keeps no second tag of an image that it replaces.',
    'defaults: `parallel` has no equivalent: set `registries.HOST.concurrency`.',
    'the credentials of docker.io are not imported: log in with `docker login docker.io`.',
    '`repos.deny` has no equivalent: the rule also selects these repositories.',
    'the expression "a|b" of repositories has no equivalent as a pattern.',
    'entry 5 is not imported.',
    'it copies the tag "1" to another tag, which has no equivalent.',
  ])('has a comment and a warning: %s', (warning) => {
    expect(warnings).toContain(warning)
    const [first = '', ...rest] = warning
    expect(yaml).toContain(`# ${first.toUpperCase()}${rest.join('')}`)
  })

  it('shows no credentials', () => {
    for (const secret of ['hub-user', 's3cret', 't0ken']) {
      expect(yaml).not.toContain(secret)
      expect(warnings.join('\n')).not.toContain(secret)
    }
  })

  it('loses a rule that conflicts with another one, with the reason', () => {
    const entry = 'source: alpine, target: localhost:5000/alpine, type: repository'
    const result = importSyncFile(`sync: [{ ${entry} }, { ${entry} }]`)
    expect(rulesOf(result.yaml)).toHaveLength(1)
    expect(result.warnings).toContainEqual(
      expect.stringMatching(/^the rule library-alpine-2 is not imported: it can write tags such as \* of/),
    )
  })
})

const skopeo = `registry.example.com:
  images:
    busybox: []
    redis: ["1.0", 2.10, "sha256:0000000000000000000000000000000011111111111111111111111111111111"]
  images-by-tag-regex:
    nginx: ^1\\.13\\.[12]-alpine-perl$
    httpd: "2.4"
  images-by-semver:
    alpine: ">= 3.12.0, < 4"
  credentials: { username: john, password: this is a secret }
  tls-verify: false
  cert-dir: /home/john/certs
quay.io:
  images: { coreos/etcd: [latest] }
`

describe('the YAML of skopeo sync', () => {
  it('becomes valid rules', () => {
    const { yaml, warnings } = importSyncFile(skopeo, 'mirror.example.com/{repository}')
    const rules = rulesOf(yaml)
    expect(rules.map(({ name }) => name)).toEqual([
      'busybox',
      'redis',
      'nginx',
      'httpd',
      'alpine',
      'coreos-etcd',
    ])
    expect(rules).toMatchObject([
      { include: [], to: [{ registry: 'mirror.example.com', path: '{repository}' }] },
      { include: [{ tags: { globs: ['1.0', '2.10'] } }] },
      { include: [{ tags: { regex: { source: String.raw`1\.13\.[12]-alpine-perl` } } }] },
      { include: [{ tags: { regex: { source: '.*(?:2.4).*' } } }] },
      { include: [{ tags: { text: '>=3.12.0 <4' } }] },
      { from: { registry: 'quay.io' } },
    ])
    expect(warnings).toContain('images by digest have no equivalent.')
    expect(warnings).toContainEqual(
      expect.stringContaining('dray verifies the certificate of registry.example.com'),
    )
    expect(yaml).not.toMatch(/secret|username/)
  })

  it('needs a destination', () => {
    const { warnings } = importSyncFile(skopeo)
    expect(warnings).toContain(
      'the file has no destination: replace registry.example.com/{repository} in each rule.',
    )
  })
})

describe('another file', () => {
  it.each(['', '[]', 'version: 1', 'a: b', '{', `sync: ${'['.repeat(200)}`])('is refused: %s', (text) => {
    expect(codeOf(text)).toBe('malformed')
  })
})

it('the result is valid for any values of a regsync.yml, and stays on its lines', () => {
  const text = fc.oneof(
    fc.constantFrom(
      'alpine',
      'docker.io',
      'a.example.com/b',
      'b.example.com/{repository}',
      'ocidir://x',
      '.*',
      '3.9',
      'a:b',
      '>=1',
    ),
    fc.string({ maxLength: 20, unit: 'binary' }),
  )
  const texts = fc.array(text, { maxLength: 3 })
  const set = fc.record({ allow: texts, deny: texts, semverRange: texts }, { requiredKeys: [] })
  const entry = fc.record(
    {
      source: text,
      target: text,
      type: fc.constantFrom('image', 'repository', 'registry', 'x'),
      tags: set,
      tagSets: fc.array(set, { maxLength: 2 }),
      repos: set,
      platform: text,
      'x\ny': text,
    },
    { requiredKeys: ['source', 'target', 'type'] },
  )
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 3 }), (sync) => {
      const { yaml } = importSyncFile(JSON.stringify({ sync }))
      expect(yaml).toMatch(/^[\n -~]*$/)
      expect(() => rulesOf(yaml)).not.toThrow()
    }),
    { numRuns: 40 },
  )
})

function codeOf(text: string): string | undefined {
  try {
    importSyncFile(text)
    return undefined
  } catch (thrown) {
    return isDrayError(thrown) ? thrown.code : String(thrown)
  }
}
