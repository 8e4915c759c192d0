# Terraform variables of prod
region        = "eu-central-1"
api_digest    = "sha256:1111111111111111111111111111111111111111111111111111111111111111" # promoted
api_version   = "1.4.2"
zones         = ["a", "b"]
tags          = {
  api_version = "1.4.0" // no variable
}
replicas      = 3
