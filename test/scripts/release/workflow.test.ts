import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

interface Job {
  readonly needs?: string | readonly string[]
  readonly permissions?: Readonly<Record<string, string>>
  readonly steps?: readonly { readonly run?: string; readonly uses?: string }[]
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

function read(name: string): Workflow {
  const file = join(import.meta.dirname, '..', '..', '..', '.github', 'workflows', name)
  return parse(readFileSync(file, 'utf8')) as Workflow
}

const release = read('release.yml')
const build = read('release-build.yml')

/** The jobs that have to succeed before a job starts. */
function before(name: string, { jobs }: Workflow): ReadonlySet<string> {
  const direct = [jobs[name]?.needs ?? []].flat()
  return new Set(direct.flatMap((one) => [one, ...before(one, { ...release, jobs })]))
}

function jobsThatRun(command: RegExp): readonly string[] {
  const all = [release, build].flatMap(({ jobs }) => Object.entries(jobs))
  return all.flatMap(([name, { steps = [] }]) =>
    steps.some(({ run = '' }) => command.test(run)) ? [name] : [],
  )
}

describe('the release workflow', () => {
  it('publishes only after every other job has succeeded', () => {
    const others = Object.keys(release.jobs).filter((name) => name !== 'publish')
    expect([...before('publish', release)].toSorted()).toEqual(others.toSorted())
  })

  it('attests only files that every channel has tested', () => {
    const others = Object.keys(build.jobs).filter((name) => name !== 'attest')
    expect([...before('attest', build)].toSorted()).toEqual(others.toSorted())
    expect(others).toEqual(expect.arrayContaining(['suite', 'binaries', 'musl', 'npm', 'action']))
  })

  it.each([
    ['the tag', /git push/],
    ['the release', /--draft=false/],
    ['the version tag of the image', /dray tag/],
  ])('makes %s public in the last job only', (_, command) => {
    expect(jobsThatRun(command)).toEqual(['publish'])
  })

  it('stages the npm package, which a maintainer approves', () => {
    expect(jobsThatRun(/npm@\S+ stage publish/)).toEqual(['stage'])
    expect(jobsThatRun(/npm publish/)).toEqual([])
  })

  it('is started by hand, and refuses a release that is not prepared first', () => {
    expect(Object.keys(release.on)).toEqual(['workflow_dispatch'])
    expect(jobsThatRun(/release\/ready\.ts/)).toEqual(['ready'])
    expect(before('build', release)).toEqual(new Set(['ready']))
  })

  it('gives a job only the permissions that it names', () => {
    expect([release.permissions, build.permissions]).toEqual([{ contents: 'read' }, { contents: 'read' }])
    const writing = Object.entries({ ...build.jobs, ...release.jobs }).flatMap(
      ([name, { permissions = {} }]) => (Object.values(permissions).includes('write') ? [name] : []),
    )
    expect(writing.toSorted()).toEqual(['attest', 'build', 'publish', 'stage', 'staged'])
  })
})
