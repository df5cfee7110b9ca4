# Stands for a compiler: turns the source into what the image serves.
sed "s/{{greeting}}/$GREETING/" greeting.in
