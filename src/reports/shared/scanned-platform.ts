import { formatPlatform } from '../../oci/platform.ts'

/** Returns `os/architecture[/variant]`; undefined unless a report has both of the first. */
export function scannedPlatform(
  os: string | undefined,
  architecture: string | undefined,
  variant: string | undefined,
): string | undefined {
  if (os === undefined || os === '' || architecture === undefined || architecture === '') return undefined
  return formatPlatform({ os, architecture, ...(variant !== undefined && variant !== '' && { variant }) })
}
