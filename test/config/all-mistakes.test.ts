import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { isDrayError } from '../../src/lib/errors.ts'
import { tempFolder } from '../support/temp.ts'

/** The mistakes of a file as `path: message`. */
async function mistakesOf(content: string): Promise<readonly string[]> {
  const cwd = await tempFolder()
  await writeFile(join(cwd, 'dray.yaml'), content)
  try {
    await loadConfig({ cwd, home: cwd })
    return []
  } catch (thrown) {
    if (!isDrayError(thrown)) throw thrown
    return (thrown.mistakes ?? []).map(({ path, line, message }) => `${line} ${path}: ${message}`)
  }
}

describe('one run reports the mistakes', () => {
  it('of every kind', async () => {
    const found = await mistakesOf(`version: 1
registries:
  r.io: { concurrency: many, aliases: [no host] }
environments:
  dev:
    registry: r.example.com
    path: dev/{image}
    tags: { semver: [minor] }
    promotFrom: [prod]
  staging: { registry: r.example.com, path: staging, promoteFrom: [dev, prod] }
  prod: { registry: r.example.com, path: "prod/{image}", promoteFrom: [5, staging, dve] }
retention:
  rules:
    - { keepNewest: 3 }
    - { name: a, tags: { regex: "(" } }
    - { name: b, repositories: ["@dve/*"], olderThan: soon }
audit: { file: dir/, file: log.jsonl }
`)
    expect(found).toEqual([
      '3 registries["r.io"].concurrency: must be a whole number',
      '3 registries["r.io"].aliases[0]: "no host" is not the host of a registry: write a name with a dot or a port, without a path',
      '8 environments.dev.tags.semver: must contain exact: the exact versions decide whether the other tags move',
      '9 environments.dev.promotFrom: unknown key "promotFrom"',
      '10 environments.staging.path: must contain {image} once, in place of the image name',
      '11 environments.prod.promoteFrom[0]: must be the name of an environment',
      '11 environments.prod.promoteFrom[1]: promotions form a cycle: staging -> prod -> staging',
      '11 environments.prod.promoteFrom[2]: there is no environment "dve"; did you mean "dev"?',
      '14 retention.rules[0].name: the key is missing',
      expect.stringContaining('15 retention.rules[1].tags.regex: "(" is not a regular expression'),
      '16 retention.rules[2].repositories[0]: there is no environment "dve"; did you mean "dev"?',
      '16 retention.rules[2].olderThan: must be an age, for example 15m, 12h, 14d or 8w',
      '17 audit.file: the key is given twice in this map',
    ])
  })

  it('of sync rules, also if other parts of the file have mistakes', async () => {
    const found = await mistakesOf(`version: 1
environments:
  dev: { registry: r.example.com, path: dev }
sync:
  - { name: a, from: docker.io, repositories: [x], to: "@dve", platform: [linux/amd64] }
  - { name: b, from: "@dev", to: "m.example.com/{repository}", include: [{ tags: { regexp: a } }] }
  - { name: b, from: docker.io, to: "m.example.com/{repository}" }
`)
    expect(found).toEqual([
      '3 environments.dev.path: must contain {image} once, in place of the image name',
      '5 sync[0].to: there is no environment "dve"; did you mean "dev"?',
      '5 sync[0].platform: unknown key "platform"',
      '6 sync[1].include[0].tags.regexp: unknown key "regexp"',
      '7 sync[2]: a rule with a registry in `from` needs `repositories`',
      '7 sync[2].name: "b" is given twice',
    ])
  })

  it('of a list in place of a map, and of a second document, once', async () => {
    expect(await mistakesOf('version: 1\nimages: [a, b]\n---\nversion: 1\n')).toEqual([
      '2 images: must be a map, but is a list',
      '3 : a second YAML document begins here; write only one',
    ])
  })

  it.each([
    ['a misspelled `registry`', 'environments:\n  dev: { regsitry: r.io, path: "{image}" }', 'dev.regsitry'],
    [
      'a wrong environment',
      'environments:\n  dev: []\nretention:\n  rules: [{ name: a, olderThan: 1d, repositories: ["@dev/*"] }]',
      'dev',
    ],
    [
      'a wrong `keepNewest`',
      'retention:\n  rules: [{ name: a, tags: { regex: "(?<n>x)" }, groupBy: n, keepNewest: "3" }]',
      'keepNewest',
    ],
    ['wrong tags', 'retention:\n  rules: [{ name: a, tags: 5, groupBy: n, keepNewest: 3 }]', 'tags'],
    ['a rule without a name', 'retention:\n  rules: [{ olderThan: 1d }]', 'name'],
  ])('and not the consequences of %s', async (_, content, path) => {
    const found = await mistakesOf(`version: 1\n${content}\n`)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(path)
  })

  it.each([
    ['a: [], b: [a], c: [a, b], d: [c, a]', []],
    ['a: [c], b: [a], c: [b], d: [c]', ['a -> b -> c -> a']],
    ['a: [b], b: [a], c: [d], d: [c, a]', ['a -> b -> a', 'c -> d -> c']],
  ])('of the promotions %s: the cycles %j', async (promotions, cycles) => {
    const environments = promotions.replaceAll(
      /(\w): (\[.*?\])/g,
      '$1: { registry: r.io, path: "$1/{image}", promoteFrom: $2 }',
    )
    const found = await mistakesOf(`version: 1\nenvironments: { ${environments} }\n`)
    expect(found.map((text) => text.split('cycle: ')[1])).toEqual(cycles)
  })

  it('of the syntax, and of the content before the first of them', async () => {
    const found = await mistakesOf('versoin: 1\nimages:\n\tapi: {}\n  web: [}\nimages: 5\n')
    expect(found[0]).toBe('1 versoin: unknown key "versoin"')
    expect(found.length).toBeGreaterThan(2)
    expect(found.join('\n')).not.toContain('must be a map')
    expect(await mistakesOf('version: 1\nimages:\n\tapi: {}\n')).toEqual([
      '3 : Tabs are not allowed as indentation',
    ])
  })

  it('but only the first of very many, in an error of bounded size', () => {
    const errorOf = (lines: readonly string[]): unknown => {
      try {
        return parseConfig(
          { file: '/x/dray.yaml', content: ['version: 1', ...lines].join('\n') },
          'dray.yaml',
        )
      } catch (thrown) {
        return thrown
      }
    }
    const keys = Array.from({ length: 150 }, (_, i) => `key${i}: 1`)
    expect(errorOf(keys)).toMatchObject({
      message: 'dray.yaml has 150 mistakes',
      details: { length: 101, 100: 'and 50 more' },
      mistakes: { length: 100 },
    })
    const long = errorOf(keys.map((key) => `${'x'.repeat(1000)}${key}`))
    expect(JSON.stringify(long).length).toBeLessThan(100_000)
  })
})

describe('a renamed key', () => {
  const environment = 'registry: r.example.com, path: "{image}"'
  const read = (text: string) =>
    parseConfig({ file: '/x/dray.yaml', content: `version: 1\nenvironments:\n${text}\n` }, 'dray.yaml')

  it('is accepted with one warning that names its position and the new key', () => {
    const { config, warnings } = read(`  dev: &d { ${environment}, marker: stable }\n  test: *d`)
    expect(config.environments.get('dev')?.currentTag).toBe('stable')
    expect(config.environments.get('test')?.currentTag).toBe('stable')
    expect(warnings).toEqual([
      'dray.yaml:3:55: environments.dev.marker: `marker` is deprecated; rename it to `currentTag`',
    ])
  })

  it('is a mistake beside the new one', () => {
    expect(() => read(`  dev: { ${environment}, marker: a, currentTag: b }`)).toThrowError(
      'dray.yaml:3:52: environments.dev.marker: `marker` is the old name of `currentTag`, which is given too; remove `marker`',
    )
  })

  it('is not listed without end', () => {
    const environments = Array.from(
      { length: 15 },
      (_, i) => `  e${i}: { registry: r.example.com, path: "e${i}/{image}", marker: stable }`,
    )
    const { warnings } = read(environments.join('\n'))
    expect(warnings).toHaveLength(11)
    expect(warnings[10]).toBe('dray.yaml has 5 more deprecated keys')
  })

  it('has no warning under its new name', () => {
    expect(read(`  dev: { ${environment}, currentTag: stable }`).warnings).toEqual([])
  })
})
