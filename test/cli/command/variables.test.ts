import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listPruneVariables } from '../../../src/render/prune/prune-ci.ts'
import { prunePlan } from '../../support/prune-plans.ts'
import { variables, warnAboutVariables } from '../../../src/cli/command/variables.ts'

const root = join(import.meta.dirname, '..', '..', '..')

describe('the table of variables', () => {
  it('has every variable that the source names, and no other one', () => {
    const files = globSync('{src,bin}/**/*.{ts,js}', { cwd: root }).filter(
      (file) => !file.endsWith('variables.ts'),
    )
    const named = files.flatMap((file) => [
      ...readFileSync(join(root, file), 'utf8').matchAll(/\bDRAY_[A-Z][A-Z_]*[A-Z]/g),
    ])
    const read = Object.keys(variables).filter((name) => variables[name]?.isWritten !== true)
    const others = named.flatMap(([name]) => (variables[name]?.isWritten === true ? [] : [name]))
    expect(new Set(others)).toEqual(new Set(read))
  })

  it('has every variable that a report writes', () => {
    const ofPrune = listPruneVariables(prunePlan([]), 'sha256:0', undefined)
    const names = [...Object.keys(ofPrune), 'digest'].map((name) => `DRAY_${name.toUpperCase()}`)
    const written = Object.keys(variables).filter((name) => variables[name]?.isWritten === true)
    expect(new Set(names)).toEqual(new Set(written))
  })
})

describe('a warning about a variable', () => {
  it.each([
    ['DRAY_AUDITFILE', 'DRAY_AUDIT_FILE'],
    ['DRAY_AUDIT', 'DRAY_AUDIT_FILE'],
    ['DRAY_CONFIG_FILE', 'DRAY_CONFIG'],
    ['DRAY_CONIFG', 'DRAY_CONFIG'],
    ['DRAY_PASSWD', 'DRAY_PASSWORD'],
    ['DRAY_USER', 'DRAY_USERNAME'],
    ['dray_config', 'DRAY_CONFIG'],
  ])('names the nearest one: %s', (name, near) => {
    expect(warnAboutVariables({ [name]: 'x', DRAY_CONFIG: 'y' })).toEqual([
      `${name} has no effect. Did you mean ${near}?`,
    ])
  })

  it('is not given for known and written variables, and for other names', () => {
    const env = {
      DRAY_CONFIG: '',
      DRAY_PLAN: '',
      DRAY_DIGEST: '',
      DRAY_TEST_MODULES: '',
      DRAY_X: '',
      CONFIG: '',
    }
    expect(warnAboutVariables(env)).toEqual([])
  })
})
