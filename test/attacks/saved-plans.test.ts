import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addTag, type EditablePlan, editPlan, firstPlacement } from '../support/edited-plans.ts'
import type { Content } from '../support/images.ts'
import {
  digestOf,
  multi,
  newest,
  ofDev,
  old,
  PlanRepositories,
  release,
} from '../support/plan-repositories.ts'
import type { Workplace } from '../support/workplace.ts'
import { watchedRegistry } from '../support/world.ts'

const isWrite = ({ method }: { readonly method: string }) => method !== 'GET' && method !== 'HEAD'

let world: PlanRepositories
beforeAll(async () => {
  world = new PlanRepositories(await watchedRegistry())
})
afterAll(async () => {
  await world.registry[Symbol.asyncDispose]()
})

async function promoteTo(project: Workplace, name: string, ...more: readonly string[]): Promise<void> {
  const args = ['promote', `${name}:1.4.2`, '--from', 'staging', '--to', 'prod', '--out', 'plan.json']
  const made = await project.run(...args, ...more)
  expect(made.code, made.stderr).toBe(0)
}

describe('a saved promotion', () => {
  it('is applied without further flags, and changes nothing the second time', async () => {
    const name = world.nextImage()
    const project = await world.place(name)
    await promoteTo(project, name)
    const ended = await project.run('apply', 'plan.json', '--yes')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(await world.registry.oracle.differences(`prod/${name}`, release, '1.4.2')).toEqual([])
    expect(await world.registry.oracle.digest(`prod/${name}`, '1.4')).toBe(multi.root.digest)
    expect(await world.registry.oracle.digest(`prod/${name}`, 'latest')).toBe(newest.root.digest)
    world.registry.forget()
    expect(await project.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
    expect(world.registry.requests.filter(isWrite)).toEqual([])
  })

  it.each([
    ['promoteFrom', { promoteFrom: ['dev'] }],
    ['attest', { attest: true }],
    ['require', { attest: false, require: ['ticket'] }],
    ['immutable', { attest: false, tags: { immutable: ['1.4'] } }],
  ])('follows the current %s of dray.yaml', async (_, prod) => {
    const name = world.nextImage()
    const project = await world.place(name, { attest: false })
    await promoteTo(project, name)
    await writeFile(join(project.folder, 'dray.yaml'), world.configOf(name, prod))
    const before = await world.prodOf(name)
    expect(await project.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 3 })
    expect(await world.prodOf(name)).toEqual(before)
  })

  it.each([
    ['--move-tag', ['--tag', '1.4.0'], ['1.4.0']],
    ['--allow-backward', [], ['latest', '1']],
    ['--no-attest', [], ['1.4.2']],
    ['--no-evidence', [], ['1.4.2']],
  ])('that was made with %s needs it again', async (flag, more, tags) => {
    const name = world.nextImage()
    const project = await world.place(name)
    await promoteTo(project, name, flag, ...more)
    const before = await world.prodOf(name)
    const refused = await project.run('apply', 'plan.json', '--yes')
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining(flag) })
    expect(await world.prodOf(name)).toEqual(before)
    const ended = await project.run('apply', 'plan.json', '--yes', flag)
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    for (const tag of tags)
      expect(await world.registry.oracle.digest(`prod/${name}`, tag)).toBe(multi.root.digest)
  })

  it('of a copy against promoteFrom needs --allow-copy', async () => {
    const name = world.nextImage()
    const project = await world.place(name)
    const copy = ['copy', `@dev/${name}:1.4.2`, `@prod/${name}:build-7`, '--out', 'plan.json']
    expect(await project.run(...copy)).toMatchObject({ code: 0 })
    const refused = await project.run('apply', 'plan.json', '--yes')
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('--allow-copy') })
    expect(await project.run('apply', 'plan.json', '--yes', '--allow-copy')).toMatchObject({ code: 0 })
    expect(await world.registry.oracle.digest(`prod/${name}`, 'build-7')).toBe(ofDev.root.digest)
  })

  it('of an image that was named by another loopback name is applied without further flags', async () => {
    const name = world.nextImage()
    const project = await world.place(name)
    const other = `localhost:${world.registry.host.split(':').at(-1)}`
    const copy = [
      'copy',
      `${other}/dev/${name}:1.4.2`,
      `${other}/elsewhere/${name}:1.4.2`,
      '--out',
      'plan.json',
    ]
    expect(await project.run(...copy)).toMatchObject({ code: 0 })
    const ended = await project.run('apply', 'plan.json', '--yes')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(await world.registry.oracle.digest(`elsewhere/${name}`, '1.4.2')).toBe(ofDev.root.digest)
  })

  it('outside of every environment needs no dray.yaml', async () => {
    const name = world.nextImage()
    const project = await world.place(name)
    await rm(join(project.folder, 'dray.yaml'))
    const at = (path: string): string => `${world.registry.host}/${path}/${name}`
    const copy = ['copy', `${at('staging')}:1.4.2`, `${at('elsewhere')}:1.4.2`, '--out', 'plan.json']
    expect(await project.run(...copy)).toMatchObject({ code: 0 })
    expect(await project.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
  })
})

describe('a saved tagging or rollback', () => {
  const rollback = (name: string): readonly string[] => ['rollback', `@prod/${name}`, '--to', '1.4.0']
  const tag = (name: string): readonly string[] => ['tag', `@prod/${name}:1.5.0`, '--tags', 'stable']

  it.each([
    ['a rollback', rollback, 'latest', old],
    ['a tagging', tag, 'stable', newest],
  ])('is applied without further flags: %s', async (_, args, moved, to) => {
    const name = world.nextImage()
    const project = await world.place(name)
    expect(await project.run(...args(name), '--out', 'plan.json')).toMatchObject({ code: 0 })
    const ended = await project.run('apply', 'plan.json', '--yes')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(await world.registry.oracle.digest(`prod/${name}`, moved)).toBe(to.root.digest)
    expect(await project.run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
  })

  it.each<readonly [string, (name: string) => readonly string[], (plan: EditablePlan) => void]>([
    ['a rollback of an immutable tag', rollback, (plan) => addTag(plan, 'release-1', digestOf(newest))],
    ['a rollback of a version tag', rollback, (plan) => addTag(plan, '1.5.0', digestOf(newest), 'rollback')],
    ['a rollback of a tag that is none of its own', rollback, (plan) => addTag(plan, 'canary', undefined)],
    [
      'a rollback to an image that is no release',
      rollback,
      (plan) => void (firstPlacement(plan).from.tag = 'release-1'),
    ],
    ['a floating tag', tag, (plan) => addTag(plan, '1.4', digestOf(old))],
    ['a version tag', tag, (plan) => addTag(plan, '1.4.0', digestOf(old), 'moveTag')],
    ['an immutable tag', tag, (plan) => addTag(plan, 'release-1', digestOf(old), 'moveTag')],
    ['an image that is missing', tag, replaceRoot],
    [
      'an image with the name of another one',
      tag,
      (plan) => {
        replaceRoot(plan, old)
        addTag(plan, 'latest', digestOf(newest))
      },
    ],
  ])('is refused if it was edited: %s', async (_, args, edit) => {
    const name = world.nextImage()
    const project = await world.place(name)
    await project.run(...args(name), '--out', 'plan.json')
    await editPlan<EditablePlan>(project.folder, 'plan.json', 'edited.json', edit)
    const before = await world.prodOf(name)
    const ended = await project.run('apply', 'edited.json', '--yes')
    expect(ended.code, ended.stdout + ended.stderr).not.toBe(0)
    expect(await world.prodOf(name)).toEqual(before)
  })
})

function replaceRoot(plan: EditablePlan, by: Content = ofDev): void {
  const root = String(firstPlacement(plan).root.digest)
  Object.assign(plan, JSON.parse(JSON.stringify(plan).replaceAll(root, digestOf(by))))
}
