#!/bin/bash
#$ -S /bin/bash
#$ -N $${job_name}
#$ -j y
#$ -o $${log}
#$ -pe $${pe} $${slots}
#$ -l h_rt=$${walltime}
#$ -l $${mem}
#$ -l $${gpu}
#$ -l $${resources}
#$ -q $${queue}
#$ -A $${account}
#$ -P $${project}
#$ -R $${reserve}
#$ -m $${mail_type}
#$ -M $${mail_user}

$${pre_rocket}
cd "$${launch_dir}"
exec $${rocket_launch}
