import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { bunNotice } from '../../scripts/release/binaries/bun-notice.ts'
import { readNotices } from '../../scripts/release/notices.ts'
import { buildSbom } from '../../scripts/release/sbom.ts'
import { parseSbom } from '../../src/reports/parse-sbom.ts'
import { tempFolder } from '../support/temp.ts'

it('the SBOM of a release lists every bundled package and both runtimes', async () => {
  const folder = await tempFolder()
  const sbom = parseSbom(JSON.parse(readFileSync(buildSbom({ folder }), 'utf8')))
  const found = sbom.components.map(({ name, version }) => `${name} ${version}`)
  const expected = readNotices().map(({ name, version }) => `${name} ${version}`)
  expect(expected.length).toBeGreaterThan(20)
  expect(found.toSorted()).toEqual(
    [...expected, `bun ${bunNotice.version}`, `node ${process.versions.node}`].toSorted(),
  )
  expect(sbom.components.filter(({ purl, licenses }) => purl === undefined || licenses.length === 0)).toEqual(
    [],
  )
  expect(readFileSync(buildSbom({ folder }), 'utf8')).toBe(readFileSync(buildSbom({ folder }), 'utf8'))
})
