# Terraform variables of prod
region        = "eu-central-1"
api_digest    = "sha256:5555555555555555555555555555555555555555555555555555555555555555" # promoted
api_version   = "1.5.0"
zones         = ["a", "b"]
tags          = {
  api_version = "1.4.0" // no variable
}
replicas      = 3
