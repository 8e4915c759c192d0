import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { project } from '../../src/cli/project.ts'
import { ciFiles, fencesIn, publishedPages } from '../support/ci-files/published-pages.ts'
import { drayCommandsIn } from '../support/docs/dray-commands.ts'

const file = join(import.meta.dirname, '..', '..', 'package.json')
const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
const files = [...publishedPages(), ...ciFiles()]

/** The places where dray is published, with a version behind each. */
const pins: Readonly<Record<string, RegExp>> = {
  npm: /(?<![\w/.-])dray@(?!sha256)([\w.-]+)/g,
  image: new RegExp(String.raw`${project.image}:([\w.-]+)`, 'g'),
  action: new RegExp(String.raw`${project.action}@(?:[0-9a-f]{40} # )?v([\w.-]+)`, 'g'),
  component: /\/dray\/(?:promote|prune)@([\w.-]+)/g,
  binary: new RegExp(String.raw`${project.releases}/download/v([^/\s]+)/`, 'g'),
  raw: /\/dray\/raw\/v([\w.-]+)\//g,
  label: /app\.kubernetes\.io\/version: "?([\w.-]+)"?/g,
}

function versionsOf(pattern: RegExp, text: string): readonly string[] {
  return Array.from(text.matchAll(pattern), ([, found = '']) => found.replace(/\.$/, ''))
}

describe('the version of dray', () => {
  it.each(Object.entries(pins))('is that of package.json in every pin of its %s', (_, pattern) => {
    const found = files.flatMap(({ path, text }) => versionsOf(pattern, text).map((one) => ({ path, one })))
    expect(found.length).toBeGreaterThan(0)
    expect(found.filter(({ one }) => one !== version)).toEqual([])
  })

  it.each([
    ['npm', 'npm install -g dray@0.0.9'],
    ['image', `image: ${project.image}:0.0.9`],
    ['action', `uses: ${project.action}@v0.0.9`],
    ['action', `uses: ${project.action}@${'a'.repeat(40)} # v0.0.9`],
    ['binary', `curl -O ${project.releases}/download/v0.0.9/dray-linux-x64.tar.gz`],
  ])('is found behind %s', (name, text) => {
    expect(versionsOf(pins[name] ?? /^$/g, text)).toEqual(['0.0.9'])
  })
})

describe('the addresses of dray', () => {
  it('are those of src/cli/project.ts', () => {
    const known = [project.repository, project.image, project.homepage, project.releases, project.bugs]
    const found = files.flatMap(({ path, text }) =>
      Array.from(
        text.matchAll(/(?:https:\/\/)?(?:github\.com|ghcr\.io)\/[\w-]+\/dray(?![\w-])/g),
        ([address]) => ({
          path,
          address,
        }),
      ),
    )
    expect(found.length).toBeGreaterThan(0)
    expect(found.filter(({ address }) => !known.some((one) => one.startsWith(address)))).toEqual([])
  })
})

describe('examples for CI', () => {
  /** Steps that make the command `dray` available. */
  const channels = [
    `${project.image}:`,
    `${project.action}@v`,
    `${project.releases}/download/v`,
    'npm install -g dray@',
    'npm install --global dray@',
  ]
  const examples = fencesIn('yaml', 'groovy').filter((fence) => drayCommandsIn(fence).length > 0)

  it.each(examples)('in $at installs dray', ({ text }) => {
    expect(channels.some((channel) => text.includes(channel))).toBe(true)
  })

  it('check the binary that they download', () => {
    const downloads = fencesIn('yaml', 'groovy', 'sh', 'dockerfile').filter(({ text }) =>
      text.includes(`${project.releases}/download/`),
    )
    expect(downloads.length).toBeGreaterThan(0)
    expect(
      downloads.filter(({ text }) => !/checksums\.txt.*sha256sum|sha256sum.*checksums\.txt/s.test(text)),
    ).toEqual([])
  })
})
