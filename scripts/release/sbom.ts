/**
 * `npm run release:sbom`: writes `release/sbom.cdx.json`, the SBOM of the npm package and of the
 * binaries.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bunNotice } from './binaries/bun-notice.ts'
import { sourceDate } from './dates.ts'
import { readNotices } from './notices.ts'
import { readProduct } from './product.ts'
import { cycloneDxBom } from './sbom/cyclonedx.ts'
import { bundledPart, drayPart, nodePart, runtimePart } from './sbom/parts.ts'

const root = join(import.meta.dirname, '..', '..')

/** Writes the SBOM to a folder, `release` if it is not given. @returns the path of the file */
export function buildSbom({ folder = join(root, 'release') } = {}): string {
  const components = [
    ...readNotices().map(bundledPart),
    runtimePart(bunNotice),
    nodePart(process.versions.node),
  ]
  const created = new Date(sourceDate(root) * 1000).toISOString()
  const bom = cycloneDxBom(drayPart(readProduct()), components, created)
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'sbom.cdx.json')
  writeFileSync(path, `${JSON.stringify(bom, null, 2)}\n`)
  return path
}

if (import.meta.main) process.stdout.write(`${buildSbom()}\n`)
