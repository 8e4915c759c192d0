import { execFileSync } from 'node:child_process'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { project } from '../../src/cli/project.ts'
import {
  complaintsOfHeader,
  complaintsOfInputs,
  includeComponent,
  readComponent,
} from '../support/ci-files/gitlab-component.ts'
import { complaintOfArguments } from '../support/docs/parse-arguments.ts'
import { tempFolder } from '../support/temp.ts'

const root = join(import.meta.dirname, '..', '..')
const files = globSync('templates/*.yml', { cwd: root })
const digest = `sha256:${'a'.repeat(64)}`

function component(name: string) {
  return readComponent(readFileSync(join(root, 'templates', `${name}.yml`), 'utf8'))
}

interface Job {
  readonly image: { readonly name: string; readonly entrypoint: readonly string[] }
  readonly variables: Readonly<Record<string, string>>
  readonly script: readonly string[]
  readonly parallel?: unknown
}

function jobOf(name: string, inputs: Readonly<Record<string, unknown>>): Job {
  const jobs = includeComponent(component(name), inputs, { version: '1.2.3' }) as Readonly<
    Record<string, Job>
  >
  const [job] = Object.values(jobs)
  if (job === undefined) throw new Error(`${name} has no job`)
  return job
}

/** Runs the script of a job in one shell, as a runner does. Returns the arguments of dray. */
async function run({ script, variables }: Job, more: Readonly<Record<string, string>> = {}) {
  const folder = await tempFolder()
  const dray = join(folder, 'dray')
  await writeFile(dray, '#!/bin/sh\nfor argument; do printf "%s\\0" "$argument"; done\n')
  await chmod(dray, 0o755)
  const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, ...variables, ...more }
  const output = execFileSync('/bin/sh', ['-e', '-c', script.join('\n')], {
    encoding: 'utf8',
    cwd: folder,
    env,
  })
  return { args: output.split('\0').slice(0, -1), files: readdirSync(folder) }
}

describe('the GitLab components', () => {
  it('are promote and prune', () => {
    expect(files.toSorted()).toEqual(['templates/promote.yml', 'templates/prune.yml'])
  })

  it.each(files)('%s has a valid header', (file) => {
    expect(complaintsOfHeader(readComponent(readFileSync(join(root, file), 'utf8')))).toEqual([])
  })

  it.each([
    ['promote', { to: 'prod' }, ['images is required']],
    ['promote', { images: ['api:1.4.2'], to: 'prod' }, ['images is not a string']],
    ['promote', { images: 'api:1.4.2', to: 'prod', 'dry-run': 'yes' }, ['dry-run is not a boolean']],
    ['promote', { images: 'api:1.4.2', to: 'prod', tag: 'x' }, ['tag is not an input']],
    [
      'promote',
      { images: 'api:1.4.2', to: 'prod', 'expect-digest': 'latest' },
      [expect.stringContaining('expect-digest does not match') as string],
    ],
    ['prune', { jobs: '4' }, ['jobs is not a number']],
    ['prune', { apply: 'true' }, ['apply is not a boolean']],
    ['prune', {}, []],
  ])('%s with %j has the problems %j', (name, inputs, complaints) => {
    expect(complaintsOfInputs(component(name), inputs)).toEqual(complaints)
  })

  it.each(['promote', 'prune'])('%s runs the image of its own version', (name) => {
    const { image } = jobOf(name, name === 'promote' ? { images: 'api:1', to: 'prod' } : {})
    expect(image).toEqual({ name: `${project.image}:1.2.3`, entrypoint: [''] })
  })

  it.each([
    [
      { images: 'api:1.4.2', to: 'prod' },
      ['promote', 'api:1.4.2', '--to', 'prod', '--yes', '--report', 'dotenv=dray.env'],
    ],
    [
      {
        images: 'api:1.4.2 web:2.0.1',
        to: 'prod',
        from: 'staging',
        'dry-run': true,
        'expect-digest': digest,
      },
      `promote api:1.4.2 web:2.0.1 --from staging --to prod --expect-digest ${digest} --dry-run --report dotenv=dray.env`.split(
        ' ',
      ),
    ],
    [
      { images: '*;touch$IFS"x" $(touch x)', to: '$(touch x) `touch x`' },
      [
        'promote',
        '*;touch$IFS"x"',
        '$(touch',
        'x)',
        '--to',
        '$(touch x) `touch x`',
        '--yes',
        '--report',
        'dotenv=dray.env',
      ],
    ],
  ])('promote with %j runs dray with these arguments', async (inputs, expected) => {
    const { args, files: left } = await run(jobOf('promote', inputs))
    expect(args).toEqual(expected)
    expect(left).toEqual(['dray'])
    expect(await complaintOfArguments(args)).toBeUndefined()
  })

  it.each([
    [{}, {}, ['prune', '--dry-run', '--shard', '1/1', '--report', 'dotenv=dray.env']],
    [
      { apply: true, jobs: 4, repositories: '@dev/* @test/*' },
      { CI_NODE_INDEX: '2', CI_NODE_TOTAL: '4' },
      'prune @dev/* @test/* --apply --yes --shard 2/4 --report dotenv=dray.env'.split(' '),
    ],
  ])('prune with %j and %j runs dray with these arguments', async (inputs, variables, expected) => {
    const job = jobOf('prune', inputs)
    expect(job.parallel).toBe('jobs' in inputs ? inputs.jobs : 1)
    const { args } = await run(job, variables)
    expect(args).toEqual(expected)
    expect(await complaintOfArguments(args)).toBeUndefined()
  })
})

describe('the check of components', () => {
  it.each([
    ['{ x: {} }', 'job: { script: "$[[ inputs.y ]]" }', ['inputs.y is not declared', 'inputs.x is not used']],
    ['{ x: { defualt: a } }', 'job: $[[ inputs.x ]]', ['inputs.x has the unknown key defualt']],
    ['{ x: { type: number, default: "1" } }', 'job: $[[ inputs.x ]]', ['x is not a number']],
    [
      '{ x: { default: "$[[ component.version ]]" } }',
      'job: $[[ inputs.x ]]',
      ['inputs.x has an expression'],
    ],
    ['{ x: { type: number, regex: a } }', 'job: $[[ inputs.x ]]', ['inputs.x cannot have regex']],
    ['{ x: { options: [a], default: b } }', 'job: $[[ inputs.x ]]', ['x is not one of the options']],
  ])('finds the problems of the inputs %s', (inputs, jobs, complaints) => {
    expect(complaintsOfHeader(readComponent(`spec: { inputs: ${inputs} }\n---\n${jobs}\n`))).toEqual(
      complaints,
    )
  })
})
