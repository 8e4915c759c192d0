import * as fc from 'fast-check'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { certificatesIn } from '../../src/cli/wiring/certificates.ts'
import { emptyConfig } from '../../src/config/config.ts'
import { resolveOneRegistry } from '../../src/config/resolver/resolve-registry.ts'
import { findImagesAt } from '../../src/config/environments.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { RegistryNames } from '../../src/config/registry-names.ts'
import { findCredentials } from '../../src/registry/credentials/find-credentials.ts'
import { registryOrigin } from '../../src/registry/http/transport/origins.ts'
import { parseReference, parseRegistry } from '../../src/oci/reference.ts'
import { normalRegistry } from '../../src/oci/registry-host.ts'
import { formatPlanFile, parsePlanFile } from '../../src/plan/plan-file.ts'
import { tempFolder } from '../support/temp.ts'
import { testAuthority } from '../support/tls.ts'

const call = { signal: new AbortController().signal, notify: () => undefined }

function configOf(text: string) {
  return parseConfig({ file: '/x/dray.yaml', content: `version: 1\n${text}` }, 'dray.yaml').config
}

const names = fc.stringMatching(/^[a-z][a-z0-9]{0,5}(\.[a-z][a-z0-9]{0,5}){1,2}$/)
const ipv4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join('.'))
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => `[${groups.map((group) => group.toString(16)).join(':')}]`)
const ports = fc.option(fc.integer({ min: 1, max: 65_535 }).map(String), { nil: undefined })
const letterCases = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 })

/** Another spelling of the same host and port. */
function respell(host: string, port: string | undefined, upper: readonly boolean[], zeros: number): string {
  const cased = Array.from(host, (letter, i) => (upper[i] === true ? letter.toUpperCase() : letter)).join('')
  const groups = cased.startsWith('[')
    ? `[${cased
        .slice(1, -1)
        .split(':')
        .map((group) => group.padStart(Math.min(4, group.length + zeros), '0'))
        .join(':')}]`
    : cased
  const dotted = /^[a-zA-Z]/.test(groups) && zeros % 2 === 1 ? `${groups}.` : groups
  return port === undefined ? dotted : `${dotted}:${'0'.repeat(zeros)}${port}`
}

describe('a registry', () => {
  it('has one normal form, however it is spelled', () => {
    fc.assert(
      fc.property(fc.oneof(names, ipv4, ipv6), ports, letterCases, fc.nat(3), (host, port, upper, zeros) => {
        const plain = port === undefined ? host : `${host}:${port}`
        const normal = normalRegistry(plain)
        expect(normal).toBeDefined()
        expect(normalRegistry(respell(host, port, upper, zeros))).toBe(normal)
        expect(normalRegistry(normal ?? '')).toBe(normal)
      }),
      { numRuns: 500 },
    )
  })

  it('is connected to by the compared host, or refused', () => {
    const soup = fc
      .array(
        fc.constantFrom('a', 'A', '0', '1', '127', 'x', '.', ':', '-', '[', ']', 'f', '％', 'ｅ', 'K', '%41'),
        {
          maxLength: 8,
        },
      )
      .map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(fc.oneof(soup, names, ipv4, ipv6), (text) => {
        const normal = normalRegistry(text)
        let origin: URL | undefined
        try {
          origin = registryOrigin(text)
        } catch {
          return
        }
        const expected = normal === 'docker.io' ? 'registry-1.docker.io' : normal
        expect(`${origin.hostname}${origin.port === '' ? '' : `:${origin.port}`}`).toBe(
          expected?.replace(/:443$|:80$/, ''),
        )
      }),
      { numRuns: 1000 },
    )
  })

  it.each([
    ['LocalHost:5000', 'localhost:5000'],
    ['localhost:05000', 'localhost:5000'],
    ['localhost.:5000', 'localhost:5000'],
    ['Registry.Example.COM', 'registry.example.com'],
    ['registry.example.com.', 'registry.example.com'],
    ['[0:0:0:0:0:0:0:1]:5000', '[::1]:5000'],
    ['[::0001]', '[::1]'],
    ['[2001:DB8::00aF]', '[2001:db8::af]'],
    ['[::ffff:7f00:1]:5000', '127.0.0.1:5000'],
    ['INDEX.docker.io', 'docker.io'],
    ['registry-1.docker.io:443', 'docker.io'],
    ['index.docker.io.:0443', 'docker.io'],
  ])('%s is %s', (text, normal) => {
    expect(parseRegistry(text)).toBe(normal)
    expect(parseReference(`${text}/team/api:1`)).toEqual({ registry: normal, path: 'team/api', tag: '1' })
    expect(resolveOneRegistry(text, emptyConfig).registry).toBe(normal)
  })

  it.each([
    '127.1:5000',
    '0x7f.1:5000',
    '127.0.0.0x1:5000',
    '2130706433:5000',
    '127.0.0.01:5000',
    '127.0.0.1.2:5000',
    '256.0.0.1:5000',
    'example.com:0',
    'example.com:65536',
    'example.com:',
    'example.com:5000:1',
    'example..com',
    'example.com..',
    '[::1%eth0]:5000',
    '[::ffff:127.0.0.1]:5000',
    '[:::1]:5000',
    '[1::2::3]',
    'ｅxample.com',
    'example.com．evil.test',
    'exam%70le.com',
    '\u212aube.example.com',
    'bücher.example',
    'user@example.com',
    'example.com\\evil.test',
  ])('%j is refused everywhere', (text) => {
    expect(() => parseRegistry(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
    expect(() => parseReference(`${text}/team/api:1`)).toThrow(expect.objectContaining({ name: 'DrayError' }))
    expect(() => resolveOneRegistry(text, emptyConfig)).toThrow(expect.objectContaining({ code: 'usage' }))
    expect(() => registryOrigin(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
    expect(() => configOf(`registries: { ${JSON.stringify(text)}: {} }`)).toThrow(
      expect.objectContaining({ code: 'config' }),
    )
  })
})

describe('the usual port of a registry', () => {
  const registries = configOf(`registries:
  plain.example.com: { insecure: true }
  flipped.example.com:443: { insecure: true }
  localhost: { insecure: false }
`).registries
  const known = new RegistryNames(registries)

  it.each([
    ['r.example.com:443', 'r.example.com'],
    ['r.example.com:80', 'r.example.com:80'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['127.0.0.1:443', '127.0.0.1:443'],
    ['plain.example.com:80', 'plain.example.com'],
    ['plain.example.com:443', 'plain.example.com:443'],
    ['flipped.example.com:443', 'flipped.example.com:443'],
    ['localhost:443', 'localhost'],
    ['localhost:80', 'localhost:80'],
    // Without its port the name would be part of a path.
    ['intranet:443', 'intranet:443'],
  ])('is dropped by its scheme: %s is %s', (registry, canonical) => {
    expect(known.canonical(registry)).toBe(canonical)
    const before = registryOrigin(registry, registries.get(registry) ?? registries.get(canonical))
    expect(registryOrigin(canonical, registries.get(canonical)).origin).toBe(before.origin)
  })
})

describe('dray.yaml', () => {
  it.each([
    ['r.example.com', 'R.example.com:443'],
    ['localhost:80', 'LOCALHOST'],
    ['docker.io', 'registry-1.docker.io.'],
    ['[::1]:5000', '[0:0:0:0:0:0:0:1]:5000'],
  ])('with %s and %s for one registry is refused, and both are named', (one, other) => {
    const read = () => configOf(`registries: { ${JSON.stringify(one)}: {}, ${JSON.stringify(other)}: {} }`)
    expect(read).toThrow(expect.objectContaining({ code: 'config', message: expect.stringContaining(one) }))
    expect(read).toThrow(expect.objectContaining({ message: expect.stringContaining(other) }))
  })

  it.each([
    ['itself', 'r.example.com: { aliases: [R.example.com/cache] }'],
    [
      'a circle',
      'a.example.com: { aliases: [b.example.com] }, b.example.com: { aliases: [a.example.com/x] }',
    ],
    ['two registries', 'a.example.com: { aliases: [m.io] }, b.example.com: { aliases: ["m.io:443"] }'],
    ['no host', 'a.example.com: { aliases: ["https://m.io"] }'],
    ['no path', 'a.example.com: { aliases: ["m.io/Hub/"] }'],
  ])('with an alias of %s is refused', (_, registries) => {
    expect(() => configOf(`registries: { ${registries} }`)).toThrow(
      expect.objectContaining({ code: 'config' }),
    )
  })

  it('may list an alias that is known', () => {
    const config = configOf(`registries: { "localhost:5000": { aliases: ["127.0.0.1:5000"] } }
environments: { dev: { registry: "localhost:5000", path: "{image}" } }`)
    expect(findImagesAt(config, parseReference('[::1]:5000/api'))).toEqual([
      { environment: 'dev', image: 'api' },
    ])
  })

  it('keeps its settings under the normal form of a host', () => {
    const {
      registries,
      audit,
      environments: found,
    } = configOf(`registries:
  "Registry.Example.com:0443": { ca: ca.pem }
audit: { repository: "REGISTRY.example.com:443/audit/log" }
environments: { dev: { registry: "registry.EXAMPLE.com.", path: "{image}" } }`)
    expect([...registries.keys()]).toEqual(['registry.example.com'])
    expect(audit.repository).toEqual({ registry: 'registry.example.com', path: 'audit/log' })
    expect(found.get('dev')?.targets[0]?.registry).toBe('registry.example.com')
  })
})

describe('credentials', () => {
  async function userFor(keys: readonly string[], registry: string, isPlain?: boolean): Promise<unknown> {
    const auths = Object.fromEntries(keys.map((key) => [key, { username: 'ada', password: 'x' }]))
    const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) }
    const find = findCredentials({ env, home: '/nowhere' }, isPlain === undefined ? undefined : () => isPlain)
    const found = await find(registry, 'team/api', call)
    return found?.kind === 'basic' ? found.username : undefined
  }

  it.each([
    ['LOCALHOST:5000', 'localhost:5000'],
    ['https://Registry.Example.com:443/v2/', 'registry.example.com'],
    ['registry.example.com.:0443/team', 'registry.example.com'],
    ['registry.example.com', 'registry.example.com:443'],
    ['localhost:80', 'localhost'],
    ['[0:0:0:0:0:0:0:1]:5000', '[::1]:5000'],
    ['registry-1.docker.io', 'docker.io'],
  ])('under %s serve %s', async (key, registry) => {
    expect(await userFor([key], registry)).toBe('ada')
  })

  it.each([
    ['127.0.0.1:5000', 'localhost:5000', undefined],
    ['registry.example.com:80', 'registry.example.com', undefined],
    ['registry.example.com:443', 'registry.example.com', true],
    ['localhost:443', 'localhost', undefined],
    ['\u212aube.example.com', 'kube.example.com', undefined],
    ['127.1:5000', '127.0.0.1:5000', undefined],
  ])('under %s are not sent to %s, which is another origin', async (key, registry, isPlain) => {
    expect(await userFor([key], registry, isPlain)).toBeUndefined()
  })
})

describe('a folder of certificates', () => {
  it.each([
    ['r.example.com:443', 'r.example.com'],
    ['R.Example.com:0443', 'r.example.com'],
    ['r.example.com', 'r.example.com:443'],
    ['R.example.com:5000', 'r.example.com:5000'],
  ])('called %s serves %s', async (name, registry) => {
    const folder = await tempFolder()
    await mkdir(join(folder, name))
    await writeFile(join(folder, name, 'a.crt'), testAuthority)
    expect(await certificatesIn([folder], registry)).toEqual({ ca: testAuthority })
    expect(await certificatesIn([folder], 'other.example.com')).toEqual({})
  })
})

describe('a plan file', () => {
  it.each(['R.example.com', 'r.example.com:0443', 'r.example.com.', 'index.docker.io', '127.1:5000'])(
    'that names the registry %s is refused',
    (registry) => {
      const plan = {
        schema: 'dray.plan/1',
        operation: 'prune',
        createdAt: '2026-06-01T00:00:00Z',
        tool: '1',
        policy: `sha256:${'0'.repeat(64)}`,
        inUse: [],
        repositories: [],
        refusals: [{ repository: { registry, path: 'a' }, error: { code: 'refused', message: 'no' } }],
      } as const
      expect(() => parsePlanFile(formatPlanFile(plan as never), 'plan.json')).toThrow(
        expect.objectContaining({
          code: 'malformed',
          why: expect.stringContaining('is not a repository'),
        }),
      )
    },
  )
})
