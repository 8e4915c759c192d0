import { globSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { complaintsOfTask, readTask, stepsOf, type Task } from '../support/ci-files/tekton-task.ts'
import { type Ended, warmDray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'
import { world } from '../support/world.ts'

const root = join(import.meta.dirname, '..', '..')
const files = globSync('tekton/*.yaml', { cwd: root }).toSorted()

function task(name: string): Task {
  return readTask(readFileSync(join(root, 'tekton', `${name}.yaml`), 'utf8'))
}

/** Runs a Task with these parameters as a pod would, and reads the results that it declares. */
async function run(
  name: string,
  config: string,
  params: Readonly<Record<string, readonly string[] | string>>,
) {
  const folder = await tempFolder()
  const workspaces = Object.fromEntries(
    ['source', 'audit', 'state'].map((one) => [one, join(folder, one)] as const),
  )
  const results = join(folder, 'results')
  for (const path of [...Object.values(workspaces), results]) await mkdir(path)
  await writeFile(join(folder, 'source', 'dray.yaml'), config)
  const ended: Ended[] = []
  for (const { command, env } of stepsOf(task(name), { params, workspaces })) {
    const args = command.slice(1).map((one) => one.replace('/tekton/results', results))
    ended.push(await warmDray(args, { cwd: '/', env: { HOME: folder, ...env } }))
  }
  const names = await readdir(results)
  const values = await Promise.all(
    names.map(async (one) => [one, await readFile(join(results, one), 'utf8')] as const),
  )
  return { folder, ended, results: Object.fromEntries(values) }
}

describe('the Tekton tasks', () => {
  it.each(files)('%s declares what it uses, and has no script', (file) => {
    const read = readTask(readFileSync(join(root, file), 'utf8'))
    expect(complaintsOfTask(read)).toEqual([])
    expect(read.spec.steps.map(({ command }) => command)).toEqual([['dray']])
  })

  it('promote images and write every result', async () => {
    const registries = await world().index('api:1.4.2', ['amd64', 'arm64']).start()
    const { oracle } = registries.staging
    const { folder, ended, results } = await run('promote', registries.config, {
      images: ['api:1.4.2'],
      from: 'staging',
      to: 'prod',
    })
    expect(ended).toEqual([expect.objectContaining({ code: 0 })])
    expect(Object.keys(results).toSorted()).toEqual(
      task('promote')
        .spec.results.map(({ name }) => name)
        .toSorted(),
    )
    expect(results).toMatchObject({ digest: await oracle.digest('staging/api', '1.4.2'), changed: 'true' })
    expect(await oracle.digest('prod/api', '1.4.2')).toBe(results['digest'])
    expect(await readFile(join(folder, 'audit', 'audit.jsonl'), 'utf8')).toContain('"operation":"promote"')
  })

  it('prune shows the plan, and deletes with the options for that', async () => {
    const registries = await world()
      .image('api:nightly-1', { created: '2026-01-01T00:00:00Z' })
      .image('api:nightly-2')
      .start()
    const { oracle } = registries.staging
    const rule = { name: 'all', repositories: ['@staging/*'], tags: ['nightly-*'], keepNewest: 1 }
    const retention = { rules: [rule], limits: { maxPercent: 90, minRemaining: 0 } }
    const config = JSON.stringify({ ...(parse(registries.config) as object), retention })
    const shown = await run('prune', config, {})
    expect(shown.ended).toEqual([expect.objectContaining({ code: 0 })])
    expect(Object.keys(shown.results).toSorted()).toEqual(
      task('prune')
        .spec.results.map(({ name }) => name)
        .toSorted(),
    )
    expect(shown.results).toMatchObject({ changed: 'false', deleted: '1' })
    expect(await oracle.digest('staging/api', 'nightly-1')).toBeDefined()
    const options = ['--apply', '--yes']
    const done = await run('prune', config, {
      repositories: ['@staging/api'],
      options,
    })
    expect(done.ended).toEqual([expect.objectContaining({ code: 0 })])
    expect(done.results).toMatchObject({ changed: 'true', deleted: '1' })
  })
})

describe('the check of tasks', () => {
  const taskWith = (spec: string): Task => readTask(`apiVersion: tekton.dev/v1\nkind: Task\nspec: ${spec}`)
  const params = 'params: [{ name: a, type: array, default: [] }, { name: b, type: string }], workspaces: []'

  it.each([
    ['"$(params.a[*])", "$(params.b)", "$(params.c)"', ['params.c is unknown']],
    ['"x$(params.a[*])", "$(params.b)"', [expect.stringContaining('must be an argument of its own')]],
    ['"$(params.a[*])", "$(workspaces.w.path)"', ['params.b is not used', 'workspaces.w.path is unknown']],
  ])('finds the problems of the arguments %s', (args, complaints) => {
    expect(complaintsOfTask(taskWith(`{ ${params}, steps: [{ name: s, args: [${args}] }] }`))).toEqual(
      complaints,
    )
  })

  it('finds a script', () => {
    const read = taskWith('{ params: [], workspaces: [], steps: [{ name: s, script: "dray ls" }] }')
    expect(complaintsOfTask(read)).toEqual(['s has the key script'])
  })
})
