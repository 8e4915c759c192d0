import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Product } from './sbom/parts.ts'

const packageFile = join(import.meta.dirname, '..', '..', 'package.json')

/** The facts of package.json that every release file has. */
export function readProduct(): Product {
  const { version, license, description } = JSON.parse(readFileSync(packageFile, 'utf8')) as Product
  return { version, license, description }
}
