import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
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
    // `DRAY_${name}` of the report is not among them.
    expect(new Set(named.map(([name]) => name))).toEqual(new Set(Object.keys(variables)))
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
