import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isRoot, needsRoot, stranger } from '../support/unsafe-folders.ts'
import { image } from '../support/images.ts'
import { writeLayout } from '../support/layouts.ts'
import { warmDray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'

/** A folder with an image in a layout and a plan to copy it. */
async function planned() {
  const folder = await tempFolder()
  writeLayout(join(folder, 'from'), image({ label: 'planned' }), '1.0')
  const make = ['copy', `oci:${folder}/from:1.0`, `oci:${folder}/to:1.0`, '--out', 'plan.json']
  const run = async (...args: readonly string[]) =>
    await warmDray(args, { cwd: folder, env: { HOME: folder, DRAY_AUDIT_FILE: join(folder, 'audit.jsonl') } })
  return { folder, plan: join(folder, 'plan.json'), make: () => run(...make), run }
}

describe('a saved plan', () => {
  it('is readable only for its user, and not written through a link', async () => {
    const { folder, plan, make } = await planned()
    writeFileSync(join(folder, 'other'), 'kept')
    symlinkSync('other', plan)
    expect(await make()).toMatchObject({ code: 0 })
    expect(lstatSync(plan).isFile()).toBe(true)
    expect(statSync(plan).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, 'other'), 'utf8')).toBe('kept')
  })

  it('that every user can write to is shown and not applied', async () => {
    const { folder, plan, make, run } = await planned()
    await make()
    chmodSync(plan, 0o666)
    expect(await run('plan', 'show', 'plan.json')).toMatchObject({ code: 0 })
    const ended = await run('apply', 'plan.json')
    expect(ended.code).toBe(3)
    expect(ended.stderr).toContain('cannot apply the plan plan.json')
    expect(ended.stderr).toContain('0666')
    expect(ended.stderr).toContain('chmod go-w plan.json')
    expect(existsSync(join(folder, 'to'))).toBe(false)
    chmodSync(plan, 0o644)
    expect(await run('apply', 'plan.json', '--yes')).toMatchObject({ code: 0 })
  })

  it.skipIf(!isRoot)(`of another user is not applied${needsRoot}`, async () => {
    const { folder, plan, make, run } = await planned()
    await make()
    chownSync(plan, stranger, stranger)
    expect(await run('apply', 'plan.json', '--yes')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('belongs to user 65534') as unknown,
    })
    expect(existsSync(join(folder, 'to'))).toBe(false)
  })
})
